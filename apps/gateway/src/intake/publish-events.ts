import {
  MAX_MESSAGE_BYTES,
  traceIdOf,
  type AlertMessage,
  type MessageGroup,
  type MessageShape,
  type ParsedMessage,
  Turns,
} from '@tocsin/messages';
import type { DeadLetter, InputError, MessageErrorCode, TenantId } from '@tocsin/contracts';
import type { AlertIntake, AlertQueries, EventLog, Receipt } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';
import type { ActOnAlerts } from '../alerts/act-on-alerts';
import { PublishFailed } from '../problems/publish-failed';
import { readEvents, refusalOf, type PublishRequest } from './read-events';
import type { ReceiptWatch } from './receipt-watch';

/** Whose request it is, and what it asks for. */
export interface Publisher {
  /** The user of its token. */
  by: string;
  publishesFor(tenant: TenantId): boolean;
  traceparent?: string;
  /** How long to wait for what becomes of the messages; 0: not at all. */
  waitMs?: number;
}

/** What became of a request. */
export interface Published {
  /** What the queue has, durably. */
  messages: AlertMessage[];
  /** Where each refused part of a webhook stands, and the first thing that is wrong with it. They are dead letters. */
  refused: InputError[];
  /** Alerts of severity none that the address drops. */
  dropped: number;
  /** Of the messages, when they were waited for and known in time. */
  receipts?: Receipt[];
  shape?: MessageShape['name'];
  /** The alert that another system's user has acknowledged. Nothing was published. */
  acknowledged?: AlertMessage;
}

/** Messages that are read in one turn and published together: some milliseconds of work. */
const BATCH = 200;
/** Enough to say what was wrong, and no more than an operator reads. Characters. */
const MAX_DETAIL = 1_000;

/** A part of a webhook that is not published. `bytes` is what can be redriven of it. */
interface RefusedPart {
  ok: false;
  code: MessageErrorCode | 'tenant_forbidden';
  errors: readonly InputError[];
  tenant_id: TenantId | null;
  bytes?: Uint8Array;
}

/**
 * Publishes what a request holds. Our own messages: all of them or none. A webhook's group: each alert alone, since what is
 * published of it must be resolvable later, and its sender ends a group by an answer of 2xx only. So once a part of it is
 * published the others become dead letters, and the request is answered as done; when nothing is, it is refused.
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

  /** Throws `Refused` when nothing of it can be published, `PublishFailed` and `Unavailable` when sending it again is right. */
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

  /** The same for what another system sent, taken apart. */
  async publishGroup(group: MessageGroup, publisher: Publisher, dropsSeverityNone = false): Promise<Published> {
    const { shape } = group;
    if (shape.acknowledged) {
      const { part, note } = shape.acknowledged;
      const acknowledged = allowed(group.readPart(part, 'lenient'), publisher, () => '');
      if (!acknowledged.ok) throw refusalOf(acknowledged.code, acknowledged.errors);
      await this.note(acknowledged.message, note, publisher);
      return { messages: [], refused: [], dropped: 0, shape: shape.name, acknowledged: acknowledged.message };
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
          if (read.ok) batch.push(withKey(read.message, shape.name));
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
    await this.endNotice(group, publisher);
    await this.bury(refused);
    return {
      messages,
      refused: refused.map(({ errors }) => errors[0]!),
      dropped,
      shape: shape.name,
      ...(await this.receiptsOf(messages, publisher)),
    };
  }

  /** Throws `PublishFailed` unless the queue has all of them. `before`: what it has of the same request already. */
  private async confirm(
    messages: readonly AlertMessage[],
    { traceparent }: Publisher,
    before: readonly AlertMessage[] = [],
  ): Promise<void> {
    const outcomes = await this.intake.publish(messages, { traceparent });
    const confirmed = outcomes.filter(({ outcome }) => outcome === 'confirmed').map(({ id }) => id);
    if (confirmed.length < outcomes.length) throw new PublishFailed([...before.map(({ id }) => id), ...confirmed]);
  }

  /** Behind what was published: a request that is sent again because this failed makes no second alert, but two letters would lie. */
  private async bury(refused: readonly RefusedPart[]): Promise<void> {
    for (let from = 0; from < refused.length; from += BATCH)
      await this.log.bury(refused.slice(from, from + BATCH).map(letterOf));
    for (const { code } of refused) this.metrics.refusedParts.inc({ reason: code });
  }

  /**
   * Resolves the notice that alerts were left out, when this time none was. Only when it is open, or else every group would
   * leave an entry; while the store is away it is resolved unasked.
   */
  private async endNotice(group: MessageGroup, publisher: Publisher): Promise<void> {
    const read = group.shape.all_sent && allowed(group.readPart(group.shape.all_sent, 'lenient'), publisher, () => '');
    if (!read?.ok) return;
    const { tenant_id, service, dedup_key } = read.message;
    const isOpen = await this.queries.named(tenant_id, service, dedup_key!).then(
      (alert) => alert !== undefined && alert.status !== 'resolved',
      () => true,
    );
    if (isOpen) await this.confirm([read.message], publisher);
  }

  /** What another system's user did there is a note here: who is called for it decides a person of the tenant. */
  private async note(
    { tenant_id, service, dedup_key }: AlertMessage,
    note: string,
    { by, traceparent }: Publisher,
  ): Promise<void> {
    const alert = dedup_key === undefined ? undefined : await this.queries.named(tenant_id, service, dedup_key);
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

// ---- pure ------------------------------------------------------------------------------------------------------------

/** A part that its sender may publish, or why it is refused. Whose the label of a foreign tenant is, only operators read. */
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

/** What these systems give a key of their own, and resolve by it. */
function withKey(message: AlertMessage, shape: MessageShape['name']): AlertMessage {
  if (shape === 'pagerduty' || shape === 'opsgenie') message.dedup_key ??= message.id;
  return message;
}

function letterOf({ code, errors, tenant_id, bytes = Buffer.alloc(0) }: RefusedPart): DeadLetter {
  const detail = errors.map((error) => (error.pointer ? `${error.pointer}: ${error.detail}` : error.detail)).join(' ');
  return {
    tenant_id,
    // of what is longer only the beginning is kept, and only such a letter says that it cannot be redriven
    reason: bytes.length > MAX_MESSAGE_BYTES ? 'message_too_large' : code,
    detail: detail.slice(0, MAX_DETAIL).toWellFormed(),
    body: Buffer.from(bytes.subarray(0, MAX_MESSAGE_BYTES)),
    routing_key: null,
  };
}
