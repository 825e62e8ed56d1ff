import { randomUUID } from 'node:crypto';
import { BrokerError } from './broker-error';

/** Where an event comes from. */
export const EVENT_SOURCES = ['database', 'websocket', 'frontend', 'system', 'internal'] as const;
export type EventSource = (typeof EVENT_SOURCES)[number];

/**
 * `pending`: stored; its handlers have not begun, or wait for another attempt. `processing`: handlers run. `completed`:
 * all of them returned. `failed`: a handler has used up its attempts, or the broker stopped before an event of another
 * instance was handled: the event is a dead letter, until it was redriven and handled.
 */
export const EVENT_STATUSES = ['pending', 'processing', 'completed', 'failed'] as const;
export type EventStatus = (typeof EVENT_STATUSES)[number];

/** An event with everything that the broker knows of it. The names are those of the JSON and of the columns. */
export interface BrokerEvent<Payload = unknown> {
  /** A UUID, unless the publisher chose another. An id is stored once: a repeated one is no second event. */
  id: string;
  source: EventSource;
  /** `schema.entity.operation`, for example `public.users.create`. */
  type: string;
  status: EventStatus;
  /** How many attempts followed the first one. */
  retry_count: number;
  /** Why it failed, or why the last attempt did. */
  error?: string;
  /** Anything that JSON can hold. Handlers share it and must not change it. */
  payload: Payload;
  /** As text: a user may be a number in one service and a UUID in another. */
  user_id?: string;
  session_id?: string;
  /** The instance that published it: its handlers decide the status. */
  instance_id: string;
  schema: string;
  entity: string;
  operation: string;
  /** The version of the payload's shape. Upcasters bring older ones up to date. */
  schema_version: number;
  created_at: Date;
  processed_at?: Date;
  completed_at?: Date;
  metadata: Record<string, unknown>;
}

/** What a publisher says of an event; the rest has defaults. */
export type EventDraft<Payload = unknown> = Pick<BrokerEvent<Payload>, 'type'> &
  Partial<Omit<BrokerEvent<Payload>, 'type' | 'user_id' | 'status' | 'retry_count' | 'error'>> & {
    user_id?: string | number;
  };

const TYPE = /^[\w-]+(\.[\w-]+)*$/;
const MAX_TYPE_LENGTH = 200;
const MAX_ID_LENGTH = 200;

/** `eventType('public', 'users', 'create')` is `public.users.create`. */
export const eventType = (schema: string, entity: string, operation: string): string =>
  `${schema}.${entity}.${operation}`;

/**
 * An event with the defaults: a new UUID, source `internal`, status `pending`, the present instant, version 1. Schema,
 * entity and operation are those of the type when it has three segments.
 */
export function newEvent<Payload = unknown>(draft: EventDraft<Payload>): BrokerEvent<Payload> {
  let { schema, entity, operation } = draft;
  if (schema === undefined || entity === undefined || operation === undefined) {
    const first = draft.type.indexOf('.');
    const second = first < 0 ? -1 : draft.type.indexOf('.', first + 1);
    const isThree = second > 0 && draft.type.indexOf('.', second + 1) < 0;
    schema ??= isThree ? draft.type.slice(0, first) : '';
    entity ??= isThree ? draft.type.slice(first + 1, second) : '';
    operation ??= isThree ? draft.type.slice(second + 1) : '';
  }
  return {
    id: draft.id ?? randomUUID(),
    source: draft.source ?? 'internal',
    type: draft.type,
    status: 'pending',
    retry_count: 0,
    error: undefined,
    payload: (draft.payload === undefined ? null : draft.payload) as Payload,
    user_id: draft.user_id === undefined ? undefined : String(draft.user_id),
    session_id: draft.session_id,
    instance_id: draft.instance_id ?? '',
    schema,
    entity,
    operation,
    schema_version: draft.schema_version ?? 1,
    created_at: draft.created_at ?? new Date(),
    processed_at: undefined,
    completed_at: undefined,
    metadata: draft.metadata ?? {},
  };
}

/**
 * A deep copy: changing it changes nothing else. Payload and metadata must be what JSON or `structuredClone` can hold.
 */
export const cloneEvent = <Payload>(event: BrokerEvent<Payload>): BrokerEvent<Payload> => structuredClone(event);

/** Throws a `BrokerError` `invalid_event` that says what is wrong. */
export function validateEvent(event: BrokerEvent): void {
  const wrong = obstacleIn(event);
  if (wrong) throw new BrokerError('invalid_event', wrong);
}

function obstacleIn(event: BrokerEvent): string | undefined {
  if (typeof event.type !== 'string' || event.type.length > MAX_TYPE_LENGTH || !TYPE.test(event.type))
    return `The type of an event is segments of letters, digits, _ and -, joined by points, ${MAX_TYPE_LENGTH} characters at most.`;
  if (!EVENT_SOURCES.includes(event.source)) return `The source of an event is one of ${EVENT_SOURCES.join(', ')}.`;
  if (!EVENT_STATUSES.includes(event.status)) return `The status of an event is one of ${EVENT_STATUSES.join(', ')}.`;
  if (!isText(event.id) || event.id === '' || event.id.length > MAX_ID_LENGTH)
    return `The id of an event is a text of 1 to ${MAX_ID_LENGTH} characters.`;
  for (const name of ['instance_id', 'schema', 'entity', 'operation'] as const)
    if (!isText(event[name])) return `${name} is a text without NUL.`;
  for (const name of ['user_id', 'session_id'] as const)
    if (event[name] !== undefined && !isText(event[name])) return `${name} is a text without NUL.`;
  if (!Number.isSafeInteger(event.schema_version) || event.schema_version < 1)
    return 'schema_version is a whole number from 1.';
  if (!(event.created_at instanceof Date) || Number.isNaN(event.created_at.getTime()))
    return 'created_at is a valid Date.';
  return undefined;
}

const isText = (value: unknown): boolean => typeof value === 'string' && !value.includes('\0');

/** Reads an event of JSON, as providers keep it. */
export function reviveEvent(json: string): BrokerEvent {
  const event = JSON.parse(json) as BrokerEvent;
  for (const name of ['created_at', 'processed_at', 'completed_at'] as const)
    if (event[name]) event[name] = new Date(event[name]);
  return event;
}
