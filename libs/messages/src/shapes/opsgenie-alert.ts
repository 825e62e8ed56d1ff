import type { Severity } from '@tocsin/contracts';
import {
  actionTo,
  cut,
  fittingKey,
  isObject,
  isText,
  present,
  wholeKey,
  wholeText,
  type JsonObject,
  type MessagePart,
  type MessageShape,
} from './message-part';

const PRIORITIES: Readonly<Record<string, Severity>> = { P1: 'urgent', P2: 'high', P3: 'medium', P4: 'low', P5: 'low' };

/** The positions of Tocsin's fields in a request of Opsgenie's API. */
const POINTERS = {
  dedup_key: '/alias',
  title: '/message',
  message: '/description',
  severity: '/priority',
  labels: '/details',
  metadata: '/details',
};

/**
 * A request that creates an alert by Opsgenie's Alert API (`POST /v2/alerts`). `alias` is the `dedup_key`. A request
 * with an alias describes the present state, since a new alert of a group posts the whole group again. The service is
 * the one of the address, or `opsgenie`: a request that closes an alert has no field from which a service could be
 * derived. `details` with text values are labels.
 */
export function readOpsgenieAlert(value: unknown): MessageShape | undefined {
  if (!isObject(value) || !isText(value.message)) return undefined;
  const {
    message,
    alias,
    description,
    priority,
    details,
    entity,
    source,
    tags,
    actions,
    note,
    responders,
    teams,
    user,
  } = value;
  const said = isObject(details) ? details : {};
  const [labels, others] = labelsOf({ ...said, entity, source });
  const body = present({
    tenant_id: said.tenant_id,
    severity: isText(priority) ? (PRIORITIES[priority.toUpperCase()] ?? priority) : undefined,
    dedup_key: fittingKey(alias) ?? alias,
    snapshot: isText(alias) ? true : undefined,
    status: 'firing',
    title: cut(message.replace(/[\r\n\t]+/g, ' '), 300),
    message: cut(description, 8_000),
    labels,
    actions: Object.entries(said)
      .flatMap(([name, url]) => actionTo(name, url))
      .slice(0, 10),
    metadata: present({
      ...others,
      ...wholeText('message', message, 300),
      ...wholeText('description', description, 8_000),
      tags,
      actions,
      note,
      responders,
      teams,
      user,
      ...wholeKey(alias),
    }),
  });
  return shapeOf({ body, at: '', pointers: POINTERS });
}

/** What Opsgenie's API does with an alert, as far as Tocsin has an equivalent. */
export const OPSGENIE_ACTIONS = ['close', 'acknowledge', 'unacknowledge', 'notes'] as const;
type OpsgenieAction = (typeof OPSGENIE_ACTIONS)[number];

const WORDS = { acknowledge: 'Acknowledged', unacknowledge: 'Acknowledgement withdrawn', notes: 'Noted' } as const;

/** A request that closes the alert of an alias, or acts on it in another way. `fields`: the request's fields. */
export function readOpsgenieUpdate(alias: string, action: OpsgenieAction, fields: unknown): MessageShape {
  const { user, source, note } = isObject(fields) ? fields : {};
  const status = action === 'close' ? 'resolved' : 'firing';
  const body = { dedup_key: fittingKey(alias) ?? alias, snapshot: true, status };
  if (action === 'close') {
    const closed = present({ user, source, note });
    // metadata that a message has replaces that of the alert: a request that says nothing has none, so that it stays
    const metadata = Object.keys(closed).length > 0 ? { closed, ...wholeKey(alias) } : undefined;
    return shapeOf({ body: present({ ...body, metadata }), at: '', pointers: POINTERS });
  }
  const by = [cut(user, 100), cut(source, 100)].filter((name) => name !== undefined).join(', ');
  const words = `${WORDS[action]} in the system that sent the alert${by && ` (${by})`}${isText(note) ? `: ${cut(note, 1_000)!}` : '.'}`;
  const part: MessagePart = { body, at: '', pointers: POINTERS };
  return { ...shapeOf(part), acknowledged: { part, note: words } };
}

/** What Opsgenie's API replaces of an alert that is open. */
export const OPSGENIE_TEXTS = ['message', 'description', 'priority'] as const;

/**
 * A request that replaces one of them. Nothing becomes of it: an alert that still fires keeps the words with which it
 * was raised, as it does when it is sent again, and one that is over must not be raised by it.
 */
export function readOpsgenieChange(alias: string): MessageShape {
  const part: MessagePart = {
    body: { dedup_key: fittingKey(alias) ?? alias, snapshot: true, status: 'firing' },
    at: '',
    pointers: POINTERS,
  };
  return { ...shapeOf(part), acknowledged: { part } };
}

const shapeOf = (part: MessagePart): MessageShape => ({
  name: 'opsgenie',
  webhook: true,
  ends_by_key: true,
  count: 1,
  part: () => part,
  defaults: { service: 'opsgenie', severity: 'medium' },
});

/** Short texts become labels, which filters match on. Everything else is kept unchanged. */
function labelsOf(details: JsonObject): [labels: JsonObject, others: JsonObject] {
  const given = Object.entries(present(details));
  const isLabel = ([name, value]: [string, unknown], index: number) =>
    index < 32 && isText(value) && value.length <= 500 && name.length <= 100;
  return [
    Object.fromEntries(given.filter(isLabel)),
    Object.fromEntries(given.filter((one, index) => !isLabel(one, index))),
  ];
}
