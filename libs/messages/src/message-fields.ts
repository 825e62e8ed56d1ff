import type { AlertMessageBody } from '@tocsin/contracts';

/** The fields of a message in their order, which is also the order that its hash is taken in. */
export const MESSAGE_FIELDS = [
  'tenant_id',
  'service',
  'severity',
  'id',
  'type',
  'name',
  'title',
  'message',
  'dedup_key',
  'status',
  'snapshot',
  'occurred_at',
  'labels',
  'actions',
  'recipients',
  'channels',
  'metadata',
  'schema_version',
] as const satisfies readonly (keyof AlertMessageBody)[];
export type MessageField = (typeof MESSAGE_FIELDS)[number];

/** What a producer says under our names, not judged yet. `undefined` is absent. */
export type MessageFields = Record<MessageField, unknown>;

/** With every name in place from the start: an object that grows field by field costs more than all else in a short message. */
export const noFields = (): MessageFields => ({
  tenant_id: undefined,
  service: undefined,
  severity: undefined,
  id: undefined,
  type: undefined,
  name: undefined,
  title: undefined,
  message: undefined,
  dedup_key: undefined,
  status: undefined,
  snapshot: undefined,
  occurred_at: undefined,
  labels: undefined,
  actions: undefined,
  recipients: undefined,
  channels: undefined,
  metadata: undefined,
  schema_version: undefined,
});

const names: ReadonlySet<string> = new Set(MESSAGE_FIELDS);

export const isMessageField = (name: string): name is MessageField => names.has(name);
