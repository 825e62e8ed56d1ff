import * as http from 'node:http';
import * as https from 'node:https';

const TIMEOUT_MS = 5_000;
/** `/metrics` of a gateway with 200 tenants has 150 KB. */
const MAX_BYTES = 4 * 1_048_576;

export interface Answered {
  status: number;
  /** Each header with all of its values. */
  headers: NodeJS.Dict<string[]>;
  body: string;
  /** When the request was sent and when its head came, in epoch milliseconds. */
  sentAtMs: number;
  headAtMs: number;
}

/** One request without a credential. Resolves with an error's code when there is no answer within 5 s. */
export function get(
  target: URL,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answered | { error: string }> {
  const { request } = target.protocol === 'https:' ? https : http;
  const sentAtMs = Date.now();
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.name });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const sending = request(target, { ...options, agent: false, signal }, (response) => {
      const headAtMs = Date.now();
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString('latin1');
        if (body.length > MAX_BYTES) response.destroy(new Error('too long'));
      });
      response.on('error', failed);
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headersDistinct, body, sentAtMs, headAtMs });
      });
    });
    sending.on('error', failed);
    sending.end();
  });
}
