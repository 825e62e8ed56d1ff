import type { AlertDoor, Answer, Trouble } from './alert-door';
import type { Credential } from './credential';
import { GatewayClient, isProblem, NoAnswer, type Reply } from './gateway-client';
import { printable } from './terminal';

/**
 * Statuses that are worth a retry: too many requests, and what a proxy or a gateway responds while a service behind it
 * is away.
 */
const AWAY_STATUSES = [429, 502, 503, 504];

/** Publishes over HTTP to the gateway: `POST /api/v1/events`. */
export class HttpDoor implements AlertDoor {
  readonly accepts = '202';
  private readonly gateway: GatewayClient;

  constructor(url: string, credential: Credential) {
    this.gateway = new GatewayClient(url, credential);
  }

  get address(): string {
    return this.gateway.address;
  }

  async publish(messages: readonly unknown[]): Promise<Answer> {
    try {
      const reply = await this.gateway.ask('POST', 'api/v1/events', messages.length === 1 ? messages[0] : messages);
      return { ...this.read(reply), tookMs: reply.tookMs };
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error; // there is no token to send
      return { accepted: [], trouble: { kind: 'away', sentence: error.message }, tookMs: error.tookMs };
    }
  }

  async close(): Promise<void> {
    this.gateway.close();
  }

  private read({ status, body }: Reply): Omit<Answer, 'tookMs'> {
    const { ids, confirmed } = (body ?? {}) as { ids?: unknown; confirmed?: unknown };
    if (status === 202 && isTexts(ids)) return { accepted: ids };
    const problem = isProblem(body) ? body : undefined;
    const trouble: Trouble = AWAY_STATUSES.includes(status)
      ? {
          kind: 'away',
          sentence: `${this.address} takes nothing at present: ${problem ? printable(problem.detail ?? problem.title) : `it answered ${status}`}`,
        }
      : { kind: 'refused', lines: this.gateway.explain({ status, body }) };
    return { accepted: isTexts(confirmed) ? confirmed : [], trouble };
  }
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
