import { CHANNELS, DELIVERY_STATUSES, type Delivery, type DeliveryPage, type Redriven } from '@tocsin/contracts/wire';
import { asJson, ask, asOperator, fieldLines, gatewayOptions, isDone, refused, type Act } from './ask-gateway';
import { readNumber, UsageError, type Command, type Values } from './command';
import { gatewaySettings } from './config';
import { printable } from './terminal';

const DEFAULT_LIMIT = 50;
const PATH = 'api/v1/deliveries';
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** The statuses that can be redriven. */
const DEAD = ['failed', 'expired', 'unknown'];

const options = {
  tenant: { type: 'string', value: '<id>', about: 'The tenant. Required.' },
  status: {
    type: 'string',
    value: '<status>',
    values: DELIVERY_STATUSES,
    about: `For list: some of ${DELIVERY_STATUSES.join(', ')}, separated by commas; default ${DEAD.join(',')}. For redrive --all: one of ${DEAD.join(', ')}.`,
  },
  channel: { type: 'string', value: '<channel>', values: CHANNELS, about: 'Only deliveries over this channel.' },
  since: { type: 'string', value: '<time>', about: 'Only deliveries made since then, such as 2026-12-24T09:00:00Z.' },
  limit: {
    type: 'string',
    value: '<number>',
    about: `For list: deliveries of one page, at most 200. Default ${DEFAULT_LIMIT}.`,
  },
  after: { type: 'string', value: '<next>', about: 'For list: continues after the page that ended with it.' },
  all: { type: 'boolean', about: 'For redrive, instead of an id: every delivery with --status.' },
  'may-repeat': {
    type: 'boolean',
    about: 'For redrive of unknown deliveries: they may have been sent, and may arrive twice.',
  },
  ...gatewayOptions,
} as const;

type Given = Values<typeof options>;

export const deliveries: Command<typeof options> = {
  name: 'deliveries',
  purpose: 'lists deliveries, and redrives failed ones',
  about:
    "Asks the gateway. A token of its own (signed with JWT_SECRET) is an operator's; one in TOCSIN_TOKEN with the scopes alerts:read and alerts:write reaches those of its tenants.",
  actions: {
    list: 'one line a delivery, the newest first',
    show: 'all of one delivery, and its attempts',
    redrive: 'sends it again, under the same id',
  },
  argument: 'id',
  options,
  examples: [
    'npm run deliveries -- list --tenant acme',
    'npm run deliveries -- show 0b6f… --tenant acme',
    'npm run deliveries -- redrive --all --tenant acme --status failed --channel sms',
  ],
  settings: gatewaySettings,
  exits: { 1: 'the gateway did not answer or refused, or redrive --all was interrupted' },

  async run({ values, action, argument }, terminal) {
    return asOperator(plan(action, argument, values), values.url, terminal);
  },
};

/** The request for this command line. Throws `UsageError` before any request is sent. */
function plan(action: string, argument: string | undefined, values: Given): Act {
  const { tenant, status, channel, since, limit, after, all, json } = values;
  const may_repeat = values['may-repeat'] === true;
  if (tenant === undefined) throw new UsageError(`${action} needs --tenant.`);
  if (action === 'list') {
    if (argument !== undefined) throw new UsageError('list takes no id: show does.');
    const size =
      limit === undefined ? DEFAULT_LIMIT : readNumber('--limit', limit, { least: 1, most: 200, whole: true });
    const query = new URLSearchParams({ tenant, status: status ?? DEAD.join(','), limit: String(size) });
    for (const [name, value] of Object.entries({ channel, since, after }))
      if (value !== undefined) query.set(name, value);
    return ask('GET', `${PATH}?${query.toString()}`, undefined, json ? asJson : listed);
  }
  // ignored, it would redrive deliveries that the person meant to leave
  const ofList = (['limit', 'after'] as const).find((name) => values[name] !== undefined);
  if (ofList) throw new UsageError(`--${ofList} is for list.`);
  if (action === 'redrive' && all) {
    if (argument !== undefined) throw new UsageError('redrive takes the id of a delivery or --all, not both.');
    if (!DEAD.includes(status ?? '')) throw new UsageError(`redrive --all needs --status: one of ${DEAD.join(', ')}.`);
    return redriveAll({ tenant, status, channel, since, ...(may_repeat && { may_repeat }) }, json);
  }
  if (argument === undefined || !ID.test(argument)) throw new UsageError(`${action} needs the id of a delivery.`);
  const of = `?${new URLSearchParams({ tenant }).toString()}`;
  return action === 'show'
    ? ask('GET', `${PATH}/${argument}${of}`, undefined, json ? asJson : shown)
    : ask(
        'POST',
        `${PATH}/${argument}/redrive${of}`,
        { may_repeat },
        json ? asJson : (one) => [lineOf(one as Delivery)],
      );
}

/** Redrives a set of deliveries, request by request, until none is left, or Ctrl+C. */
const redriveAll =
  (set: object, json: boolean | undefined): Act =>
  async (gateway, terminal) => {
    const interrupted = terminal.interrupted();
    let done = 0;
    for (let after: string | undefined; ;) {
      const reply = await gateway.ask('POST', `${PATH}/redrive`, { ...set, ...(after !== undefined && { after }) });
      if (!isDone(reply)) {
        if (json) terminal.out(JSON.stringify({ redriven: done, complete: false }));
        else if (done > 0) terminal.err(`${done} redriven until now.`);
        return refused(gateway, terminal, reply);
      }
      const { redriven, next } = reply.body as Redriven;
      done += redriven;
      after = next ?? undefined;
      if (next !== null && !interrupted.aborted) continue;
      const complete = next === null;
      terminal.out(
        json
          ? JSON.stringify({ redriven: done, complete })
          : `${done} redriven${complete ? '' : ', and there may be more'}`,
      );
      return complete ? 0 : 1;
    }
  };

function listed(answer: unknown): string[] {
  const { deliveries: page, next } = answer as DeliveryPage;
  const lines = page.map(lineOf);
  if (next !== null) return [...lines, `There may be more: --after ${next}`];
  return lines.length > 0 ? lines : ['No delivery.'];
}

function lineOf({ delivery_id, created_at, channel, recipient, status, reason, attempts }: Delivery): string {
  const tries = attempts.length === 1 ? '1 attempt' : `${attempts.length} attempts`;
  return [delivery_id, created_at, channel, printable(recipient), status, reason ?? '', tries]
    .filter(Boolean)
    .join('  ');
}

function shown(answer: unknown): string[] {
  const { attempts, ...delivery } = answer as Delivery;
  const fields = fieldLines(delivery);
  const lines = attempts.map(({ attempt, begun_at, ended_at, outcome, reason, answer: said }) =>
    [
      `#${attempt}`,
      begun_at,
      ended_at ?? 'under way',
      outcome ?? '',
      reason ?? '',
      said === null ? '' : printable(said),
    ]
      .filter(Boolean)
      .join('  '),
  );
  return lines.length > 0 ? [...fields, '', ...lines] : fields;
}
