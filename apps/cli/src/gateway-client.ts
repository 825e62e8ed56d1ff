import * as http from 'node:http';
import * as https from 'node:https';
import type { Problem } from '@tocsin/contracts/wire';
import type { Credential } from './credential';
import { printable } from './terminal';

/** The gateway waits 5 s for its queue. A gateway that takes twice as long will not respond. */
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 8 * 1_048_576;

export interface Reply {
  status: number;
  /** Undefined when the response was not JSON. */
  body: unknown;
  /** The time from the first byte sent to the last byte read, in milliseconds. */
  tookMs: number;
}

/** There was no response. The message is a sentence that says why. */
export class NoAnswer extends Error {
  constructor(
    message: string,
    readonly tookMs: number,
  ) {
    super(message);
    this.name = 'NoAnswer';
  }
}

/**
 * The gateway's HTTP API with a credential. It uses Node's own client, which follows no redirect and so gives no token
 * away.
 */
export class GatewayClient {
  /** The gateway's address, for a person. */
  readonly address: string;
  private readonly base: URL;
  private readonly agent: http.Agent;

  constructor(
    url: string,
    private readonly credential: Credential,
  ) {
    const given = new URL(url);
    this.base = new URL(given.href.replace(/[?#].*$/, '').replace(/\/*$/, '/'));
    this.address = `${given.origin}${given.pathname}`.replace(/\/$/, '');
    this.agent =
      this.base.protocol === 'https:' ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  }

  /**
   * Sends a request. After a 401 it tries once more with another token, if there is one. Throws `NoAnswer` within 10 s,
   * and the credential's error when there is no secret to sign a token with.
   */
  async ask(method: string, path: string, body?: unknown): Promise<Reply> {
    const reply = await this.send(method, path, body);
    return reply.status === 401 && this.credential.renew() ? this.send(method, path, body) : reply;
  }

  /** The explanation of a refusal, in lines for a person. */
  explain({ status, body }: Pick<Reply, 'status' | 'body'>): string[] {
    if (!isProblem(body))
      return [`${this.address} answered ${status}, and not as Tocsin does. Is it the right address?`];
    const { title, code, detail, errors = [] } = body;
    const says =
      detail && detail !== title && !errors.some((error) => error.detail === detail) ? `: ${printable(detail)}` : '.';
    return [
      `${printable(title)} (${status} ${printable(code)})${says}`,
      ...errors.map((error) => `  ${printable(error.pointer ?? error.parameter ?? '')}  ${printable(error.detail)}`),
      ...(status === 401 || status === 403 ? [this.credential.origin] : []),
    ];
  }

  /** Aborts requests in progress. May be called twice. */
  close(): void {
    this.agent.destroy();
  }

  private async send(method: string, path: string, value: unknown): Promise<Reply> {
    const token = this.credential.token();
    const body = value === undefined ? undefined : Buffer.from(JSON.stringify(value));
    const startedAt = performance.now();
    try {
      const { status, bytes } = await this.exchange(method, new URL(path, this.base), token, body);
      return { status, body: asJson(bytes), tookMs: performance.now() - startedAt };
    } catch (error) {
      throw new NoAnswer(this.absence(error), performance.now() - startedAt);
    }
  }

  private exchange(
    method: string,
    target: URL,
    token: string,
    body: Buffer | undefined,
  ): Promise<{ status: number; bytes: Buffer }> {
    const content = body ? { 'content-type': 'application/json', 'content-length': body.length } : {};
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json', ...content };
    const { request } = target.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const sending = request(
        target,
        { method, headers, agent: this.agent, signal: AbortSignal.timeout(TIMEOUT_MS) },
        (response) => {
          const chunks: Buffer[] = [];
          let read = 0;
          response.on('data', (chunk: Buffer) => {
            read += chunk.length;
            if (read <= MAX_ANSWER_BYTES) chunks.push(chunk);
            else response.destroy(new Error('The answer is too long.'));
          });
          response.on('error', reject);
          response.on('end', () => resolve({ status: response.statusCode!, bytes: Buffer.concat(chunks) }));
        },
      );
      sending.on('error', reject);
      sending.end(body);
    });
  }

  /** Why there was no response, as a sentence. */
  private absence(error: unknown): string {
    const { code, name } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED') return `Nothing answers at ${this.address}. Is it running? npm start`;
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
      return `There is no host ${this.base.hostname}. Is the address right?`;
    if (name === 'AbortError' || name === 'TimeoutError')
      return `${this.address} did not answer within ${TIMEOUT_MS / 1000} s.`;
    if (code === 'ECONNRESET' || code === 'EPIPE') return `${this.address} went away before it had answered.`;
    return `${this.address} cannot be reached (${code ?? printable(String((error as Error).message))}).`;
  }
}

function asJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** Whether a response's body is a problem of the gateway. */
export function isProblem(body: unknown): body is Problem {
  const { title, status, code, errors } = (body ?? {}) as Partial<Problem>;
  return (
    typeof title === 'string' &&
    typeof status === 'number' &&
    typeof code === 'string' &&
    (errors === undefined || Array.isArray(errors))
  );
}
