import { ACTS, type AlertAct } from '@tocsin/contracts';
import { list, nullable, oneOf, optional, ref, strictObject, text, time, type Schema } from '../docs/json-schema';
import { BODY_PROBLEMS, pathParameter, TENANT_PROBLEMS, TRACEPARENT, type Paths } from '../docs/operation';
import { MAX_ALERTS, MAX_NOTE_LENGTH, USER } from './act-body';

const user = (description: string): Schema => nullable(text(description, { pattern: USER.source }));
const note = text(undefined, { minLength: 1, maxLength: MAX_NOTE_LENGTH, pattern: '\\S' });
const PLAIN = ACTS.filter((act) => act !== 'snooze' && act !== 'assign' && act !== 'note');

type Said<Name extends keyof AlertAct, Needed extends keyof AlertAct = 'act'> = Pick<AlertAct, 'act' | Name> &
  Required<Pick<AlertAct, Needed>>;

/** One schema for each kind of act. A field that belongs to another act is refused, because it would be ignored. */
const VARIANTS: readonly Schema[] = [
  strictObject<Said<'note'>>({ act: oneOf(PLAIN), note: optional(note) }),
  strictObject<Said<'note', 'until'>>({
    act: oneOf(['snooze']),
    until: time('When the snooze ends, at most 30 days ahead.'),
    note: optional(note),
  }),
  strictObject<Said<'from_assignee' | 'note', 'assignee'>>({
    act: oneOf(['assign']),
    assignee: user('The new assignee: a user, or me for the caller; null removes the assignee.'),
    from_assignee: optional(user('The current assignee as the caller knows it; any other is a conflict.')),
    note: optional(note),
  }),
  strictObject<Said<'act', 'note'>>({ act: oneOf(['note']), note }),
];
const alertIds = list(text(), { minItems: 1, maxItems: MAX_ALERTS });
const withAlerts = ({ properties, required = [], ...rest }: Schema): Schema => ({
  ...rest,
  properties: { alert_ids: alertIds, ...properties },
  required: ['alert_ids', ...required],
});

const PROBLEMS = [...BODY_PROBLEMS, 'role_forbidden', ...TENANT_PROBLEMS] as const;
const shared = { tag: 'alerts', access: ['alerts:write'] } as const;

export const ACT_PATHS: Paths = {
  '/api/v1/alerts/{alert_id}': {
    patch: {
      ...shared,
      id: 'actOnAlert',
      summary: 'Acknowledge, resolve, snooze, assign or note an alert, or take that back',
      description:
        "Depends on the alert's status. Repeating one's own act is no conflict; a conflict shows the alert as it is now.",
      parameters: [pathParameter('alert_id', text(undefined, { format: 'uuid' }), 'Our id of the alert.'), TRACEPARENT],
      body: { description: 'What to do.', required: true, schema: { anyOf: VARIANTS } },
      answers: { 200: { description: 'The alert as it is now.', schema: ref('Alert') } },
      problems: [...PROBLEMS, 'not_found', 'alert_conflict'],
    },
  },
  '/api/v1/alerts': {
    patch: {
      ...shared,
      id: 'actOnAlerts',
      summary: `The same for up to ${MAX_ALERTS} alerts`,
      description: 'Each alert has its own outcome.',
      parameters: [TRACEPARENT],
      body: {
        description: 'The act, and the ids of the alerts.',
        required: true,
        schema: { anyOf: VARIANTS.map(withAlerts) },
      },
      answers: { 200: { description: 'The outcome of each alert.', schema: ref('BulkActed') } },
      problems: [...PROBLEMS, 'empty_batch', 'batch_too_large'],
    },
  },
};
