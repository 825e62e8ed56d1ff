import { MESSAGE_FIELDS } from '@tocsin/contracts';

export type MessageField = (typeof MESSAGE_FIELDS)[number];

/** A producer's message under Tocsin's names, not validated yet. `undefined` means absent. */
export type MessageFields = Record<MessageField, unknown>;

const none = Object.fromEntries(MESSAGE_FIELDS.map((name) => [name, undefined])) as MessageFields;

/**
 * All names exist from the start: an object that grows field by field costs more than everything else in a short
 * message.
 */
export const noFields = (): MessageFields => ({ ...none });

const names: ReadonlySet<string> = new Set(MESSAGE_FIELDS);

export const isMessageField = (name: string): name is MessageField => names.has(name);
