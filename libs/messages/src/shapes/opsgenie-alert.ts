import type { Severity } from '@tocsin/contracts';
import {
  actionTo,
  cut,
  isObject,
  isText,
  present,
  type JsonObject,
  type MessagePart,
  type MessageShape,
} from './message-part';

const PRIORITIES: Readonly<Record<string, Severity>> = { P1: 'urgent', P2: 'high', P3: 'medium', P4: 'low', P5: 'low' };

/** Where our fields stand in a request of Opsgenie's API. */
const POINTERS = {
  dedup_key: '/alias',
  title: '/message',
  message: '/description',
  severity: '/priority',
  labels: '/details',
  metadata: '/details',
};

/**
 * What creates an alert by Opsgenie's Alert API (`POST /v2/alerts`). `alias` is the `dedup_key`; with one the request says
 * what is so now, since a joining alert of a group posts the whole of it again. The service is the address's or `opsgenie`:
 * what closes an alert names nothing that one could be drawn from. `details` of text are labels.
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
    dedup_key: alias,
    snapshot: isText(alias) ? true : undefined,
    status: 'firing',
    title: cut(message.replace(/[\r\n\t]+/g, ' '), 300),
    message: cut(description, 8_000),
    labels,
    actions: Object.entries(said)
      .flatMap(([name, url]) => actionTo(name, url))
      .slice(0, 10),
    metadata: present({ ...others, tags, actions, note, responders, teams, user }),
  });
  return shapeOf({ body, at: '', pointers: POINTERS });
}

/** What Opsgenie's API does with an alert, as far as there is something like it here. */
export const OPSGENIE_ACTIONS = ['close', 'acknowledge', 'unacknowledge', 'notes'] as const;
export type OpsgenieAction = (typeof OPSGENIE_ACTIONS)[number];

const WORDS = { acknowledge: 'Acknowledged', unacknowledge: 'Acknowledgement withdrawn', notes: 'Noted' } as const;

/** What closes the alert of an alias, or says something of it. `fields`: the request's. */
export function readOpsgenieUpdate(alias: string, action: OpsgenieAction, fields: unknown): MessageShape {
  const { user, source, note } = isObject(fields) ? fields : {};
  const body = { dedup_key: alias, snapshot: true, status: action === 'close' ? 'resolved' : 'firing' };
  if (action === 'close')
    return shapeOf({
      body: { ...body, metadata: present({ closed: present({ user, source, note }) }) },
      at: '',
      pointers: POINTERS,
    });
  const by = [cut(user, 100), cut(source, 100)].filter((name) => name !== undefined).join(', ');
  const words = `${WORDS[action]} in the system that sent the alert${by && ` (${by})`}${isText(note) ? `: ${cut(note, 1_000)!}` : '.'}`;
  const part: MessagePart = { body, at: '', pointers: POINTERS };
  return { ...shapeOf(part), acknowledged: { part, note: words } };
}

const shapeOf = (part: MessagePart): MessageShape => ({
  name: 'opsgenie',
  webhook: true,
  count: 1,
  part: () => part,
  defaults: { service: 'opsgenie', severity: 'medium' },
});

/** Short texts are what filters match on; all else is kept as it came. */
function labelsOf(details: JsonObject): [labels: JsonObject, others: JsonObject] {
  const given = Object.entries(present(details));
  const isLabel = ([name, value]: [string, unknown], index: number) =>
    index < 32 && isText(value) && value.length <= 500 && name.length <= 100;
  return [
    Object.fromEntries(given.filter(isLabel)),
    Object.fromEntries(given.filter((one, index) => !isLabel(one, index))),
  ];
}
