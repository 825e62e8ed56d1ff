import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsString, ValidateBy } from 'class-validator';
import { ACTS, type Act, type AlertAct, type BulkAct } from '@tocsin/contracts';
import { didYouMean, readInstant, traceIdOf } from '@tocsin/messages';
import type { AttemptedAct } from '@tocsin/contracts/ports';
import { Described, GoesWith, IsNote, NeededWith, type RuleContext } from '../request/field-rules';

/** Large enough for 200 ids and a note. */
export const MAX_BODY_BYTES = 16 * 1024;
export const MAX_ALERTS = 200;
const MAX_NOTE_LENGTH = 2_000;
const MAX_SNOOZE_MS = 30 * 86_400_000;
/** 1 to 200 printable characters; spaces are allowed only between them. */
const USER = /^(?! )\P{C}{1,200}(?<! )$/u;
const ALERT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const isAlertId = (text: unknown): text is string => typeof text === 'string' && ALERT_ID.test(text);

const IsSoon = (): PropertyDecorator =>
  ValidateBy(
    { name: 'isSoon', validator: { validate: isSoon } },
    { message: 'A time in ISO 8601 is expected, in the future and at most 30 days ahead.' },
  );

function isSoon(value: unknown): boolean {
  const instant = typeof value === 'string' ? readInstant(value) : undefined;
  const ahead = instant === undefined ? 0 : Date.parse(instant) - Date.now();
  return ahead > 0 && ahead <= MAX_SNOOZE_MS;
}

const IsUserOrNobody = (): PropertyDecorator =>
  ValidateBy(
    {
      name: 'isUserOrNobody',
      constraints: [USER.source],
      validator: { validate: (value: unknown) => value === null || (typeof value === 'string' && USER.test(value)) },
    },
    {
      message: 'A user of 1 to 200 printable characters is expected, me for yourself, or null to remove the assignee.',
    },
  );

/** The body of `PATCH /api/v1/alerts/:id`. */
@Described('What to do.')
export class ActBody implements AlertAct {
  @IsIn(ACTS, {
    message: ({ value }) =>
      `One of ${ACTS.join(', ')} is expected.${typeof value === 'string' ? didYouMean(value, ACTS) : ''}`,
  })
  act!: Act;
  @Described('When the snooze ends, at most 30 days ahead.') @GoesWith('act', 'snooze') @IsSoon() until?: string;
  @Described('The new assignee: a user, or me for the caller; null removes the assignee.')
  @GoesWith('act', 'assign')
  @IsUserOrNobody()
  assignee?: string | null;
  @Described('The current assignee as the caller knows it; any other is a conflict.')
  @GoesWith('act', 'assign', { optional: true })
  @IsUserOrNobody()
  from_assignee?: string | null;
  @NeededWith('act', 'note')
  @IsNote(MAX_NOTE_LENGTH, `1 to ${MAX_NOTE_LENGTH.toLocaleString('en')} characters are expected.`)
  note?: string;
}

const AN_ID: RuleContext = {
  at: (ids) => (Array.isArray(ids) ? `/${ids.findIndex((id) => typeof id !== 'string')}` : ''),
};
const EMPTY: RuleContext = { code: 'empty_batch' };
const TOO_MANY: RuleContext = { code: 'batch_too_large' };

/** The body of `PATCH /api/v1/alerts`. */
@Described('The act, and the ids of the alerts.')
export class BulkActBody extends ActBody implements BulkAct {
  @IsArray({ message: 'The ids of alerts are expected, as a list.' })
  @ArrayMinSize(1, { message: 'The list holds no alert.', context: EMPTY })
  @ArrayMaxSize(MAX_ALERTS, { message: `At most ${MAX_ALERTS} alerts are acted on at once.`, context: TOO_MANY })
  @IsString({ each: true, message: 'The id of an alert is expected.', context: AN_ID })
  alert_ids!: string[];
}

/** The ids without duplicates, in the order of the list. */
export const alertIdsOf = ({ alert_ids }: BulkActBody): string[] => [
  ...new Set(alert_ids.map((id) => id.toLowerCase())),
];

/** The act that a body describes, done by `user` under a `traceparent`. */
export const actOf = (body: ActBody, user: string, traceparent: string | undefined): AttemptedAct => ({
  act: body.act,
  by: user,
  until: body.until === undefined ? null : readInstant(body.until)!,
  // acknowledging an alert without an assignee assigns it to the user
  assignee: body.act === 'acknowledge' ? user : userOf(body.assignee, user),
  ...(body.from_assignee !== undefined && { from_assignee: userOf(body.from_assignee, user) }),
  note: body.note?.trim() ?? null,
  trace_id: traceIdOf(traceparent),
});

const userOf = (named: string | null | undefined, me: string): string | null => (named === 'me' ? me : (named ?? null));
