import { MESSAGE_FIELDS } from '@tocsin/contracts';

export type MessageField = (typeof MESSAGE_FIELDS)[number];

/** What a producer says under our names, not judged yet. `undefined` is absent. */
export type MessageFields = Record<MessageField, unknown>;

const none = Object.fromEntries(MESSAGE_FIELDS.map((name) => [name, undefined])) as MessageFields;

/** With every name in place from the start: an object that grows field by field costs more than all else in a short message. */
export const noFields = (): MessageFields => ({ ...none });

const names: ReadonlySet<string> = new Set(MESSAGE_FIELDS);

export const isMessageField = (name: string): name is MessageField => names.has(name);
