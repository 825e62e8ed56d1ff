import type { BuriedLetter } from '@tocsin/contracts/ports';
import { DEAD_LETTER_STATUSES } from '@tocsin/contracts/wire';
import { asJson, ask, asOperator, fieldLines, gatewayOptions, isDone, refused, type Act } from './ask-gateway';
import { readNumber, UsageError, type Command, type Values } from './command';
import { gatewaySettings } from './config';
import { printable } from './terminal';

const DEFAULT_LIMIT = 50;
const PATH = 'api/v1/dead-letters';

const filters = {
  tenant: { type: 'string', value: '<id>', about: 'Only letters of this tenant.' },
  reason: { type: 'string', value: '<code>', about: 'Only letters with this reason, such as invalid_field.' },
} as const;

const options = {
  ...filters,
  status: {
    type: 'string',
    value: '<status>',
    values: [...DEAD_LETTER_STATUSES, 'all'],
    about: `For list: ${DEAD_LETTER_STATUSES.join(', ')} or all. Default open.`,
  },
  limit: {
    type: 'string',
    value: '<number>',
    about: `For list: letters of one page, at most 500. Default ${DEFAULT_LIMIT}.`,
  },
  cursor: { type: 'string', value: '<cursor>', about: 'For list: continues after the page that ended with it.' },
  all: {
    type: 'boolean',
    about: 'For redrive and discard, instead of a number: every open letter that matches the filters.',
  },
  note: { type: 'string', value: '<text>', about: 'For discard: why. It is kept with the letter.' },
  ...gatewayOptions,
} as const;

type Given = Values<typeof options>;

/** The gateway's response about letters that were decided together. */
interface Settled {
  settled: number;
  failed: number;
  left: number;
  up_to: number;
}

export const deadLetters: Command<typeof options> = {
  name: 'dead-letters',
  purpose: 'shows the messages that were refused, and redrives or discards them',
  about:
    "Asks the gateway. A token of its own (signed with JWT_SECRET) is an operator's and reaches every letter; one in TOCSIN_TOKEN with the scope dead_letters:manage those of its tenants.",
  actions: {
    list: 'one line a letter, the oldest first',
    show: 'all of one letter, and its message',
    redrive: 'publishes the message again, as it came',
    discard: 'leaves the message be, and says why',
  },
  argument: 'number',
  options,
  examples: [
    'npm run dead-letters -- list --reason invalid_field',
    'npm run dead-letters -- show 42',
    'npm run dead-letters -- redrive --all --reason store_failed',
    'npm run dead-letters -- discard 42 --note "a load test of ours"',
  ],
  settings: gatewaySettings,
  exits: { 1: 'the gateway did not answer or refused, or --all has left some open' },

  async run({ values, action, argument }, terminal) {
    return asOperator(plan(action, argument, values), values.url, terminal);
  },
};

/** The request for this command line. Throws `UsageError` before any request is sent. */
function plan(action: string, argument: string | undefined, values: Given): Act {
  const { all, note, json, cursor, status, limit } = values;
  const filter = Object.keys(filters).find((name) => values[name as keyof typeof filters] !== undefined);
  if (action === 'list') {
    if (argument !== undefined) throw new UsageError('list takes no number: show does.');
    const size =
      limit === undefined ? DEFAULT_LIMIT : readNumber('--limit', limit, { least: 1, most: 500, whole: true });
    const query = new URLSearchParams({ limit: String(size) });
    for (const [name, value] of Object.entries({ tenant: values.tenant, reason: values.reason, status, cursor }))
      if (value !== undefined) query.set(name, value);
    return ask('GET', `${PATH}?${query.toString()}`, undefined, json ? asJson : listed);
  }
  const decides = action !== 'show';
  const ofList = (['status', 'limit', 'cursor'] as const).find((name) => values[name] !== undefined);
  // ignored, it would decide letters that the person meant to leave
  if (ofList)
    throw new UsageError(
      `--${ofList} is for list: ${decides ? `${action} decides open letters` : 'one letter is named by its number'}.`,
    );
  if (all && argument !== undefined) throw new UsageError(`${action} takes the number of a letter or --all, not both.`);
  if (filter && !all) throw new UsageError(`--${filter} is for list and --all: one letter is named by its number.`);
  if (!(decides && all) && !/^[1-9]\d{0,14}$/.test(argument ?? '')) {
    throw new UsageError(
      decides ? `${action} needs the number of a letter, or --all.` : 'show needs the number of a letter, such as 42.',
    );
  }
  if (action === 'show') return ask('GET', `${PATH}/${argument}`, undefined, json ? asJson : shown);
  if (action === 'discard' && !note?.trim()) throw new UsageError('discard needs a --note that says why.');
  const because = action === 'discard' ? { note } : {};
  if (!all)
    return ask(
      'POST',
      `${PATH}/${argument}/${action}`,
      because,
      json ? asJson : (letter) => [decided(letter as BuriedLetter)],
    );
  return settleAll(action, { tenant_id: values.tenant, reason: values.reason, ...because }, json);
}

/** Decides a set of letters, request by request, until none is left, the queue does not confirm one, or Ctrl+C. */
const settleAll =
  (action: string, filter: object, json: boolean | undefined): Act =>
  async (gateway, terminal) => {
    const interrupted = terminal.interrupted();
    let done = 0;
    for (let up_to: number | undefined; ;) {
      const reply = await gateway.ask('POST', `${PATH}/${action}`, { ...filter, up_to });
      if (!isDone(reply)) {
        if (json) terminal.out(JSON.stringify({ [past(action)]: done, complete: false }));
        else if (done > 0) terminal.err(`${done} ${past(action)} until now.`);
        return refused(gateway, terminal, reply);
      }
      const { settled, failed, left, up_to: bound } = reply.body as Settled;
      done += settled;
      up_to = bound;
      if (left > 0 && settled > 0 && failed === 0 && !interrupted.aborted) continue;
      terminal.out(
        json
          ? JSON.stringify({ [past(action)]: done, failed, left, complete: left === 0 })
          : `${done} ${past(action)}, ${left} left`,
      );
      if (failed > 0)
        terminal.err(
          `The queue did not confirm ${failed} of them: they are still open, and redriving them again is safe.`,
        );
      return left > 0 ? 1 : 0;
    }
  };

const past = (action: string): string => (action === 'redrive' ? 'redriven' : 'discarded');

function listed(answer: unknown): string[] {
  const { items, cursor } = answer as { items: BuriedLetter[]; cursor: string | null };
  if (items.length === 0) return ['No dead letter.'];
  const lines = items.map(({ dead_letter_id, buried_at, tenant_id, reason, detail, status }) =>
    [
      `#${dead_letter_id}`,
      buried_at,
      tenant_id ?? '(no tenant)',
      reason,
      status === 'open' ? '' : status,
      printable(detail).slice(0, 100),
    ]
      .filter(Boolean)
      .join('  '),
  );
  return cursor === null ? lines : [...lines, `There may be more: --cursor ${cursor}`];
}

function shown(answer: unknown): string[] {
  const { body, body_encoding, ...letter } = answer as BuriedLetter & { body: string; body_encoding: string };
  return [...fieldLines(letter), '', body_encoding === 'utf8' ? printable(body) : `${body} (base64)`];
}

const decided = ({ dead_letter_id, status, decided_by, decided_at }: BuriedLetter): string =>
  `#${dead_letter_id} ${status} by ${printable(decided_by ?? '')}, ${decided_at}`;
