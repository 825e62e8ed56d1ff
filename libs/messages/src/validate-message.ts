import { validateSync, type ValidationError } from 'class-validator';
import type { AlertAction } from '@tocsin/contracts';
import { AlertMessage, MAX_ACTIONS, MAX_RECIPIENTS, MessageAction, withDefaults } from './alert-message';
import type { MessageField, MessageFields } from './message-fields';
import { surelyValid } from './surely-valid';

/**
 * The constraints that are limits. A message that exceeds one is always refused: a part that is cut off may be what
 * mattered.
 */
const LIMITS = ['maxLength', 'arrayMaxSize', 'labelLimit'];

interface FieldError {
  name: MessageField;
  pointer: string;
  detail: string;
  limit: boolean;
}

/** Builds the message with its defaults and validates it with class-validator. */
export function validate(
  fields: MessageFields,
  pointerTo: (name: string) => string,
): { message: AlertMessage; errors: FieldError[] } {
  const message = Object.assign(new AlertMessage(), withDefaults(fields));
  message.id ??= 'made on arrival';
  // one action too many is as wrong as a thousand, and class-validator takes time for each
  if (Array.isArray(message.actions)) message.actions = message.actions.slice(0, MAX_ACTIONS + 1).map(asAction);
  if (Array.isArray(message.recipients)) message.recipients = message.recipients.slice(0, MAX_RECIPIENTS + 1);
  if (surelyValid(message)) return { message, errors: [] };
  const errors = validateSync(message, { forbidUnknownValues: true }).map((error) => {
    const { path, constraints } = deepest(error);
    return {
      name: error.property as MessageField,
      pointer: [pointerTo(error.property), ...path].join('/'),
      detail: `${Object.values(constraints)[0] ?? 'is not valid'}.`,
      limit: Object.keys(constraints).some((constraint) => LIMITS.includes(constraint)),
    };
  });
  return { message, errors };
}

/**
 * class-validator checks only instances of its classes. A value that is no object stays as it is and is refused there.
 */
function asAction(value: unknown): AlertAction {
  if (typeof value !== 'object' || value === null) return value as AlertAction;
  const { label, url, name } = value as AlertAction;
  return Object.assign(new MessageAction(), {
    label,
    ...(url !== undefined && { url }),
    ...(name !== undefined && { name }),
  });
}

/** class-validator nests the errors of `actions`; the innermost one names the fault. */
function deepest(error: ValidationError): { path: string[]; constraints: Record<string, string> } {
  const child = error.children?.[0];
  if (!child) return { path: [], constraints: error.constraints ?? {} };
  const inner = deepest(child);
  return { path: [child.property, ...inner.path], constraints: inner.constraints };
}

/** What a message says that cannot be so, and what it needs in addition, for a sender who reads the answer. */
export function contradictions(fields: MessageFields): FieldError[] {
  const problems: FieldError[] = [];
  if (fields.status === 'resolved' && fields.dedup_key === undefined) {
    problems.push({
      name: 'status',
      pointer: '/dedup_key',
      limit: false,
      detail: 'A resolved message needs the dedup_key of the alert that it resolves.',
    });
  }
  if (fields.dedup_key !== undefined && fields.occurred_at === undefined && fields.snapshot !== true) {
    problems.push({
      name: 'occurred_at',
      pointer: '/occurred_at',
      limit: false,
      detail: 'A message with a dedup_key needs the time at which it happened.',
    });
  }
  return problems;
}
