import {
  MAX_MESSAGE_BYTES,
  traceIdOf,
  type AlertMessage,
  type MessageGroup,
  type MessageShape,
  type ParsedMessage,
  Turns,
} from '@tocsin/messages';
import {
  Unavailable,
  type DeadLetter,
  type InputError,
  type RefusedPartReason,
  type TenantId,
} from '@tocsin/contracts';
import type { AlertIntake, AlertQueries, EventLog, Receipt } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';
import type { ActOnAlerts } from '../alerts/act-on-alerts';
import { PublishFailed } from '../problems/publish-failed';
import { namedSoon } from './named-soon';
import { readEvents, refusalOf, type PublishRequest } from './read-events';
import type { ReceiptWatch } from './receipt-watch';

/** The publisher of a request, and its options. */
export interface Publisher {
  /** The user of the publisher's token. */
  by: string;
  publishesFor(tenant: TenantId): boolean;
  traceparent?: string;
  /** How long to wait for the outcome of the messages, in milliseconds; 0: not at all. */
  waitMs?: number;
}

/** The outcome of a request. */
export interface Published {
  /** The messages that the queue has durably stored. */
  messages: AlertMessage[];
  /** The place of each refused part of a webhook and its first error. These parts became dead letters. */
  refused: InputError[];
  /** The number of alerts of severity none that were dropped, as the request's address asks. */
  dropped: number;
  /** The receipts of the messages, when the publisher waited and they came in time. */
  receipts?: Receipt[];
  shape?: MessageShape['name'];
  /** The alert on which a user of another system has acted. Nothing was published. */
  acknowledged?: AlertMessage;
}

/** Messages that are parsed in one turn of the event loop and published together: some milliseconds of work. */
const BATCH = 200;
/** The longest error text that is kept, in characters: enough to name the error, and no more than an operator reads. */
const MAX_DETAIL = 1_000;

/** A part of a webhook that is not published. `bytes` is what can be redriven. */
interface RefusedPart {
  ok: false;
  code: RefusedPartReason;
  errors: readonly InputError[];
  tenant_id: TenantId | null;
  bytes?: Uint8Array;
}

/**
 * Publishes the contents of a request. Of messages in our own format all or none are published. Of a webhook's group
 * each alert is judged alone: an alert that was published must be resolvable later, and the sender stops sending a
 * group only after a 2xx. So once one part is published, the refused ones become dead letters and the request succeeds;
 * when no part is, the request is refused.
 */
export class PublishEvents {
  constructor(
    private readonly intake: AlertIntake,
    private readonly log: Pick<EventLog, 'bury'>,
    private readonly queries: Pick<AlertQueries, 'named'>,
    private readonly acts: Pick<ActOnAlerts, 'noteBy'>,
    private readonly receipts: ReceiptWatch,
    private readonly metrics: Metrics,
    private readonly maxEventBytes: number,
  ) {}

  /**
   * Publishes a request. Throws `Refused` when nothing can be published, and `PublishFailed` or `Unavailable` when the
   * client should send it again.
   */
  async publish(request: PublishRequest, publisher: Publisher): Promise<Published> {
    const read = await readEvents(request, this.maxEventBytes);
    if ('group' in read) return this.publishGroup(read.group, publisher, read.drops_severity_none);
    const { messages, replaced } = read;
    if (replaced > 0) this.metrics.replacedCharacters.inc(replaced);
    const at = messages.findIndex(({ tenant_id }) => !publisher.publishesFor(tenant_id));
    if (at >= 0) throw refusalOf('tenant_forbidden', [forbidden(`/${at}/tenant_id`)]);
    await this.confirm(messages, publisher);
    return { messages, refused: [], dropped: 0, ...(await this.receiptsOf(messages, publisher)) };
  }

  /** The same for a group of messages that another system sent. */
  async publishGroup(received: MessageGroup, publisher: Publisher, dropsSeverityNone = false): Promise<Published> {
    const { shape } = received;
    // said here, so that it is true at every address: what is too large when it is published becomes a dead letter
    const group = received.with({ publishes_at_most: this.maxEventBytes, tells_key: true });
    if (shape.acknowledged) {
      const { part, note } = shape.acknowledged;
      const acknowledged = allowed(group.readPart(part, 'lenient'), publisher, () => '');
      if (!acknowledged.ok) throw refusalOf(acknowledged.code, acknowledged.errors);
      const { message } = acknowledged;
      if (note !== undefined) await this.note(message, group.storableText(note), publisher);
      if (group.replaced > 0) this.metrics.replacedCharacters.inc(group.replaced);
      return { messages: [], refused: [], dropped: 0, shape: shape.name, acknowledged: message };
    }
    const turns = new Turns();
    const messages: AlertMessage[] = [];
    const refused: RefusedPart[] = [];
    let dropped = 0;
    for (let from = 0; from < shape.count; from += BATCH) {
      const batch: AlertMessage[] = [];
      for (let index = from; index < Math.min(from + BATCH, shape.count); index += 1) {
        if (turns.over) await turns.next();
        if (dropsSeverityNone && shape.part(index).severity_none) dropped += 1;
        else {
          const read = allowed(group.read(index, 'lenient'), publisher, () => group.pointerTo(index, 'tenant_id'));
          if (read.ok) batch.push(read.message);
          else refused.push(read);
        }
      }
      if (batch.length > 0) await this.confirm(batch, publisher, messages);
      messages.push(...batch);
    }
    if (group.replaced > 0) this.metrics.replacedCharacters.inc(group.replaced);
    if (dropped > 0) this.metrics.droppedAlerts.inc(dropped);
    if (messages.length === 0 && refused[0])
      throw refusalOf(
        refused[0].code,
        refused.flatMap(({ errors }) => errors),
      );
    await this.endNotice(group, publisher, messages);
    await this.bury(refused);
    return {
      messages,
      refused: refused.map(({ errors }) => errors[0]!),
      dropped,
      shape: shape.name,
      ...(await this.receiptsOf(messages, publisher)),
    };
  }

  /**
   * Publishes and throws unless the queue has confirmed all messages: `PublishFailed` when it has some of the request,
   * otherwise what the intake throws. `before`: messages of the same request that the queue has already.
   */
  private async confirm(
    messages: readonly AlertMessage[],
    { traceparent }: Publisher,
    before: readonly AlertMessage[] = [],
  ): Promise<void> {
    const had = before.map(({ id }) => id);
    const outcomes = await this.intake.publish(messages, { traceparent }).catch((error: unknown) => {
      throw error instanceof Unavailable && had.length > 0 ? new PublishFailed(had, error) : error;
    });
    const confirmed = outcomes.filter(({ outcome }) => outcome === 'confirmed').map(({ id }) => id);
    if (confirmed.length < outcomes.length) throw new PublishFailed([...had, ...confirmed]);
  }

  /**
   * Stores the refused parts as dead letters, after the others were published: when this fails and the request is sent
   * again, no second alert results, while letters stored first would be stored twice.
   */
  private async bury(refused: readonly RefusedPart[]): Promise<void> {
    for (let from = 0; from < refused.length; from += BATCH)
      await this.log.bury(refused.slice(from, from + BATCH).map(letterOf));
    for (const { code } of refused) this.metrics.refusedParts.inc({ reason: code });
  }

  /**
   * Resolves the notice that alerts were left out, when this time none was. It does so only when the notice is open, as
   * otherwise every group would add an entry. While the store is unavailable the notice is resolved without that check.
   */
  private async endNotice(group: MessageGroup, publisher: Publisher, before: readonly AlertMessage[]): Promise<void> {
    const read = group.shape.all_sent && allowed(group.readPart(group.shape.all_sent, 'lenient'), publisher, () => '');
    if (!read?.ok) return;
    const { tenant_id, service, dedup_key } = read.message;
    const isOpen = await this.queries.named(tenant_id, service, dedup_key!).then(
      (alert) => alert !== undefined && alert.status !== 'resolved',
      () => true,
    );
    if (isOpen) await this.confirm([read.message], publisher, before);
  }

  /**
   * Records the act of another system's user as a note. It does not acknowledge the alert: who is still notified of it
   * here is for a person of the tenant to decide. A note on an alert that does not come is dropped.
   */
  private async note(
    { tenant_id, service, dedup_key }: AlertMessage,
    note: string,
    { by, traceparent }: Publisher,
  ): Promise<void> {
    const alert = dedup_key === undefined ? undefined : await namedSoon(this.queries, tenant_id, service, dedup_key);
    if (alert) await this.acts.noteBy(by, tenant_id, alert.alert_id, note, traceIdOf(traceparent));
  }

  private async receiptsOf(
    messages: readonly AlertMessage[],
    { waitMs = 0 }: Publisher,
  ): Promise<Pick<Published, 'receipts'>> {
    if (waitMs === 0 || messages.length === 0) return {};
    return { receipts: await this.receipts.wait(messages, waitMs) };
  }
}

// ---- pure ----------------------------------------------------------------------------------------------------------

/**
 * The message of a part when the sender may publish it, or the reason for its refusal. A label that names a foreign
 * tenant is shown to operators only.
 */
function allowed(
  parsed: ParsedMessage,
  { publishesFor }: Publisher,
  pointer: () => string,
): Extract<ParsedMessage, { ok: true }> | RefusedPart {
  if (!parsed.ok)
    return { ...parsed, tenant_id: parsed.tenant_id && publishesFor(parsed.tenant_id) ? parsed.tenant_id : null };
  if (publishesFor(parsed.message.tenant_id)) return parsed;
  return {
    ok: false,
    code: 'tenant_forbidden',
    errors: [forbidden(pointer())],
    tenant_id: null,
    bytes: Buffer.from(JSON.stringify(parsed.message)),
  };
}

const forbidden = (pointer: string): InputError => ({
  pointer,
  code: 'tenant_forbidden',
  detail: 'Not a tenant of this token.',
});

function letterOf({ code, errors, tenant_id, bytes = Buffer.alloc(0) }: RefusedPart): DeadLetter {
  const detail = errors.map((error) => (error.pointer ? `${error.pointer}: ${error.detail}` : error.detail)).join(' ');
  return {
    tenant_id,
    // Of a longer part only the beginning is kept. Only a letter with this reason says that it cannot be redriven.
    reason: bytes.length > MAX_MESSAGE_BYTES ? 'message_too_large' : code,
    detail: detail.slice(0, MAX_DETAIL).toWellFormed(),
    body: Buffer.from(bytes.subarray(0, MAX_MESSAGE_BYTES)),
    routing_key: null,
  };
}
