import { eventually } from '@tocsin/contracts/testing';
import { request as send, type IncomingHttpHeaders } from 'node:http';
import { request as sendSecurely } from 'node:https';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body as JSON; an empty object when it is not JSON. */
  json: {
    code?: string;
    detail?: string;
    errors?: { pointer?: string; parameter?: string; code: string; detail: string }[];
    [field: string]: unknown;
  };
}

export interface Ask {
  method?: string;
  /** A list of pairs sends a header once for each pair. */
  headers?: Readonly<Record<string, string | string[]>>;
  body?: string | Buffer;
  /** The certificate to trust, for an https address. */
  ca?: string;
}

/** How long a response may take. For a stream use `SseStream`. */
const TIMEOUT_MS = 10_000;

/**
 * Sends one request with plain node:http or node:https, with the path exactly as it is written, and returns the
 * complete response.
 */
export function ask(base: string, path: string, { method = 'GET', headers = {}, body, ca }: Ask = {}): Promise<Answer> {
  const { protocol, hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path, method, headers, agent: false, ca };
    const request = (protocol === 'https:' ? sendSecurely : send)(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) });
      });
    });
    request.setTimeout(TIMEOUT_MS, () =>
      request.destroy(new Error(`${method} ${path} was not answered within ${TIMEOUT_MS} ms`)),
    );
    request.on('error', reject);
    request.end(body);
  });
}

/**
 * The same for a request that only reads: asks again while the answer is 503, for 20 s. The tenant service is a process
 * of the test, which may answer too late on a busy machine.
 */
export const askPatiently = (base: string, path: string, options: Ask = {}): Promise<Answer> =>
  eventually(async () => {
    const answer = await ask(base, path, options);
    if (answer.status === 503) throw new Error(`${path}: 503 ${answer.text}`);
    return answer;
  }, 20_000);

function parse(text: string): Answer['json'] {
  try {
    return JSON.parse(text) as Answer['json'];
  } catch {
    return {};
  }
}
