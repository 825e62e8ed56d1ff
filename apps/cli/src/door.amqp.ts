import { asSaid, parseAlertMessage } from '@tocsin/messages';
import type { InputError } from '@tocsin/contracts';
import { AlertPublisher, brokerUrls, BrokerUnavailable, type PublishFailure } from '@tocsin/publisher';
import type { AlertMessageBody } from '@tocsin/contracts/wire';
import type { AlertDoor, Answer, Trouble } from './alert-door';

const CONNECT_TIMEOUT_MS = 5_000;

/** Why the broker has not confirmed a message, as a sentence. */
const FAILURES: Record<PublishFailure, string> = {
  unroutable: 'No queue takes alerts there yet: alert-processor creates the queues when it starts',
  nacked: 'RabbitMQ refused a message, usually because a queue is full',
  connection_lost: 'The connection to RabbitMQ was lost before it had confirmed',
  blocked: 'RabbitMQ has an alarm (memory or disk) and takes nothing',
  timeout: 'RabbitMQ did not confirm in time',
  not_sendable: 'A message does not fit into AMQP',
};

/**
 * Publishes directly to RabbitMQ, with confirms. AMQP returns no validation errors, so messages are validated here, as
 * strictly as the HTTP intake does: either all of them are published or none.
 */
export class AmqpDoor implements AlertDoor {
  readonly accepts = 'confirmed';
  readonly address: string;
  private readonly publisher: AlertPublisher;

  constructor(url: string, exchange: string) {
    this.address = `RabbitMQ at ${brokerUrls(url)
      .map(({ host }) => host)
      .join(', ')}`;
    this.publisher = new AlertPublisher({ url, name: 'tocsin-cli', exchange });
  }

  async publish(values: readonly unknown[]): Promise<Answer> {
    const { messages, lines } = judge(values);
    if (lines.length > 0) return { accepted: [], trouble: { kind: 'refused', lines }, tookMs: 0 };
    let startedAt = performance.now();
    try {
      await this.publisher.connect(CONNECT_TIMEOUT_MS);
      startedAt = performance.now();
      const outcomes = await this.publisher.publish(messages);
      const tookMs = performance.now() - startedAt;
      const accepted = outcomes.filter(({ outcome }) => outcome === 'confirmed').map(({ id }) => id);
      const reasons = outcomes.flatMap((one) => (one.outcome === 'failed' ? [one.reason] : []));
      return { accepted, tookMs, ...(reasons.length > 0 ? { trouble: troubleOf(reasons) } : {}) };
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      return {
        accepted: [],
        trouble: { kind: 'away', sentence: this.absence(error) },
        tookMs: performance.now() - startedAt,
      };
    }
  }

  close(): Promise<void> {
    return this.publisher.close();
  }

  private absence({ obstacle, cause }: BrokerUnavailable): string {
    if (obstacle === 'blocked' || obstacle === 'full') return `${FAILURES.blocked}.`;
    const refusedLogin = cause instanceof Error && /ACCESS.REFUSED/.test(cause.message);
    if (refusedLogin) return `${this.address} refused the user or the password of RABBITMQ_URL.`;
    return `Nothing answers as ${this.address}. Is it running? Is RABBITMQ_URL right?`;
  }
}

function troubleOf(reasons: readonly PublishFailure[]): Trouble {
  const reason = reasons[0]!;
  return reason === 'not_sendable'
    ? { kind: 'refused', lines: [`${FAILURES[reason]}.`] }
    : { kind: 'away', sentence: `${FAILURES[reason]}.` };
}

function judge(values: readonly unknown[]): { messages: AlertMessageBody[]; lines: string[] } {
  const messages: AlertMessageBody[] = [];
  const lines: string[] = [];
  for (const [at, value] of values.entries()) {
    const parsed = parseAlertMessage(Buffer.from(JSON.stringify(value)), {}, 'strict');
    if (parsed.ok) messages.push(asSaid(parsed.message));
    else lines.push(...parsed.errors.map((error) => lineFor(error, values.length > 1 ? `/${at}` : '')));
  }
  return lines.length > 0
    ? { messages: [], lines: ['The message is not valid; nothing was published.', ...lines] }
    : { messages, lines };
}

const lineFor = ({ pointer = '', detail }: InputError, at: string): string => `  ${at}${pointer}  ${detail}`;
