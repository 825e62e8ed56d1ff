import { Agent, get as httpGet } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { Unavailable, type Membership } from '@tocsin/contracts';
import { TenantDirectory, type User } from '@tocsin/contracts/ports';
import { readMemberships } from './read-memberships';

interface HttpTenantDirectoryOptions {
  /** The service's address, or with `{user_id}` in it the whole address of a user's tenants. */
  url: string;
  /** Bearer token. Default: the user's own. */
  token?: string | undefined;
  /** How long the service may answer nobody, a second attempt included. Default 600 ms: a stream that waits longer is better told to come back. */
  timeoutMs?: number;
}

const MAX_BYTES = 256 * 1024;
/** Questions that are under way at once; the others wait for a connection. Enough for a service that is slow, and no storm for one that is fast. */
const MAX_CONNECTIONS = 256;
/** How long a question waits at most while the service answers others. */
const MAX_WAIT_MS = 5_000;
/** The connection was refused or broke before an answer: an instance that is just being replaced. Another one may answer at once. */
const CONNECTION_LOST = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

interface Answer {
  status: number;
  body: Buffer;
}

/**
 * Asks the tenant service: `GET …/api/v1/users/{user_id}/tenants`, answered by `{"tenants": […]}` or the bare list. By
 * node:http with connections that are kept, which costs a third of a `fetch`: a gateway that takes over another's streams
 * asks thousands of times.
 */
export class HttpTenantDirectory extends TenantDirectory {
  private readonly timeoutMs: number;
  private readonly agent: Agent;
  private readonly get: typeof httpGet;
  private answeredAt = -Infinity;

  constructor(private readonly options: HttpTenantDirectoryOptions) {
    super();
    this.timeoutMs = options.timeoutMs ?? 600;
    const [SchemeAgent, get] = options.url.startsWith('https:') ? [HttpsAgent, httpsGet] : [Agent, httpGet];
    this.agent = new SchemeAgent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
    this.get = get;
  }

  /**
   * None when the service does not know the user (404), or denies the user's own token (401, 403). Anything else that is no
   * list of tenants is `Unavailable`: a wrong answer must never look like the loss of a right.
   */
  async tenantsOf(user: User): Promise<readonly Membership[]> {
    // Would leave the path, whatever the encoding. No directory has such a user.
    if (user.user_id === '.' || user.user_id === '..') return [];
    const address = addressOf(this.options.url, user.user_id);
    const deadline = this.startDeadline();
    try {
      const answer = await this.ask(address, user, deadline.signal).catch((error: unknown) => {
        if (!isConnectionLost(error)) throw error;
        return this.ask(address, user, deadline.signal);
      });
      return this.read(answer);
    } catch (error) {
      throw error instanceof Unavailable
        ? error
        : unavailable(
            deadline.signal.aborted ? `did not answer within ${this.timeoutMs} ms` : 'cannot be reached',
            error,
          );
    } finally {
      deadline.end();
    }
  }

  /**
   * Aborts when the service has answered nobody for as long as a question may take: many who ask at once wait for each
   * other and for this process, and none of that says that the service is away.
   */
  private startDeadline(): { signal: AbortSignal; end: () => void } {
    const startedAt = performance.now();
    const late = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const look = () => {
      const now = performance.now();
      const silentMs = now - Math.max(startedAt, this.answeredAt);
      if (silentMs >= this.timeoutMs || now - startedAt >= MAX_WAIT_MS) late.abort();
      else wait(this.timeoutMs - silentMs);
    };
    // what arrived while this process was busy is read before the immediate
    const wait = (ms: number) => (timer = setTimeout(() => setImmediate(() => timer && look()), Math.ceil(ms)));
    wait(this.timeoutMs);
    const end = () => {
      clearTimeout(timer);
      timer = undefined;
    };
    return { signal: late.signal, end };
  }

  private ask(address: string, user: User, signal: AbortSignal): Promise<Answer> {
    const headers = { Accept: 'application/json', Authorization: `Bearer ${this.options.token ?? user.token}` };
    return new Promise((resolve, reject) => {
      // follows no redirect: an address that was not configured gets no credential
      const request = this.get(address, { agent: this.agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > MAX_BYTES) request.destroy(new Error(`The answer is larger than ${MAX_BYTES} bytes.`));
        });
        response.on('error', reject);
        response.on('end', () => {
          this.answeredAt = performance.now();
          resolve({ status: response.statusCode!, body: Buffer.concat(chunks) });
        });
      });
      request.on('error', reject);
      // at once: one that still waits for a connection would not say so before it had one
      const giveUp = () => {
        reject(new Error('given up'));
        request.destroy();
      };
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  private read({ status, body }: Answer): Membership[] {
    const denied = status === 404 || (this.options.token === undefined && (status === 401 || status === 403));
    if (denied) return [];
    if (status !== 200) throw unavailable(`answered ${status}`);
    const memberships = readBody(body);
    if (!memberships) throw unavailable('answered with something else than a list of tenants');
    return memberships;
  }
}

/** `{user_id}` stands in for the user, and an address that holds it is the whole of it. */
export function addressOf(url: string, userId: string): string {
  const encoded = encodeURIComponent(userId);
  return url.includes('{user_id}')
    ? url.replaceAll('{user_id}', encoded)
    : `${url.replace(/\/+$/, '')}/api/v1/users/${encoded}/tenants`;
}

function readBody(body: Buffer): Membership[] | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return readMemberships(Array.isArray(value) ? value : (value as { tenants?: unknown } | null)?.tenants);
  } catch {
    return undefined;
  }
}

const unavailable = (what: string, cause?: unknown) =>
  new Unavailable('directory', `The tenant service ${what}.`, { technology: 'http', cause });

const isConnectionLost = (error: unknown): boolean => CONNECTION_LOST.has(String((error as { code?: unknown }).code));
