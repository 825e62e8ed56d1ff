import { ALERT_STATUSES, SEVERITIES, type AlertPage, type BulkActed } from '@tocsin/contracts/wire';
import { asJson, ask, DEFAULT_USER, gatewayOptions, isDone, refused, withToken, type Act } from './ask-gateway';
import { readNumber, UsageError, type Command, type Values } from './command';
import { gatewaySettings } from './config';
import { entryLine } from './severity-colours';
import { printable } from './terminal';

const DEFAULT_LIMIT = 50;
const PATH = 'api/v1/alerts';
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** What the gateway calls the acts. */
const ACTS: Readonly<Record<string, string>> = { ack: 'acknowledge', resolve: 'resolve' };

const filters = {
  tenant: { type: 'string', value: '<ids>', about: 'For list: only these tenants, separated by commas.' },
  status: {
    type: 'string',
    value: '<names>',
    values: ALERT_STATUSES,
    about: `For list: some of ${ALERT_STATUSES.join(', ')}, separated by commas. Default those that are open.`,
  },
  severity: {
    type: 'string',
    value: '<names>',
    values: SEVERITIES,
    about: `For list: some of ${SEVERITIES.join(', ')}.`,
  },
  service: { type: 'string', value: '<names>', about: 'For list: only these services, separated by commas.' },
  q: { type: 'string', value: '<words>', about: 'For list: words that title, message or name contain.' },
  after: { type: 'string', value: '<next>', about: 'For list: continues after the page that ended with it.' },
} as const;

const options = {
  ...filters,
  limit: {
    type: 'string',
    value: '<number>',
    about: `For list: alerts of one page, at most 200. Default ${DEFAULT_LIMIT}.`,
  },
  note: { type: 'string', value: '<text>', about: 'For ack and resolve: why, at most 2,000 characters.' },
  user: {
    type: 'string',
    value: '<id>',
    about: `Who does it, when the command line signs the token. Default ${DEFAULT_USER}, the demo's user.`,
  },
  ...gatewayOptions,
} as const;

const OPEN = ALERT_STATUSES.filter((status) => status !== 'resolved').join(',');

export const alerts: Command<typeof options> = {
  name: 'alerts',
  purpose: 'lists alerts, acknowledges and resolves them',
  about:
    'Asks the gateway as a user, who sees and changes the alerts of their tenants: --user with a token of its own, or the one of TOCSIN_TOKEN (scopes alerts:read and alerts:write). Several ids are separated by commas.',
  actions: {
    list: 'one line an alert, the most severe first',
    ack: 'acknowledges alerts, and assigns those that have no assignee to the user',
    resolve: 'resolves alerts',
  },
  argument: 'ids',
  options,
  examples: [
    'npm run alerts -- list --severity urgent,high',
    'npm run alerts -- ack 0197f3c1-… --note "on my way"',
    'npm run alerts -- resolve 0197f3c1-…,0197f3c2-…',
  ],
  settings: gatewaySettings,
  exits: { 1: 'the gateway did not answer, or refused at least one of the alerts' },

  async run({ values, action, argument }, terminal) {
    const act = action === 'list' ? list(argument, values, terminal.colours) : change(action, argument, values);
    const scopes = action === 'list' ? (['alerts:read'] as const) : (['alerts:read', 'alerts:write'] as const);
    return withToken({ scopes, user: values.user ?? DEFAULT_USER }, act, values.url, terminal);
  },
};

type Given = Values<typeof options>;

function list(argument: string | undefined, values: Given, colours: boolean): Act {
  if (argument !== undefined) throw new UsageError('list takes no id.');
  if (values.note !== undefined) throw new UsageError('--note is for ack and resolve.');
  const limit = readNumber('--limit', values.limit ?? String(DEFAULT_LIMIT), { least: 1, most: 200, whole: true });
  const query = new URLSearchParams({ order: 'severity', limit: String(limit) });
  for (const name of Object.keys(filters) as (keyof typeof filters)[]) {
    const value = values[name] ?? (name === 'status' ? OPEN : undefined);
    if (value !== undefined) query.set(name, value);
  }
  const listed = (answer: unknown): string[] => {
    const { alerts: page, next } = answer as AlertPage;
    const lines = page.map((alert) => `${alert.alert_id}  ${entryLine(alert, colours)}`);
    if (next !== null) return [...lines, `There may be more: --after ${next}`];
    return lines.length > 0 ? lines : ['No alert.'];
  };
  return ask('GET', `${PATH}?${query.toString()}`, undefined, values.json ? asJson : listed);
}

/** Acts on alerts, each with an outcome of its own. The exit code is 1 when one of them was refused. */
function change(action: string, argument: string | undefined, values: Given): Act {
  const ofList = [...Object.keys(filters), 'limit'].find((name) => values[name as keyof Given] !== undefined);
  if (ofList) throw new UsageError(`--${ofList} is for list: ${action} takes ids.`);
  const alert_ids = (argument ?? '').split(',');
  if (!alert_ids.every((id) => ID.test(id)))
    throw new UsageError(`${action} needs the ids of alerts, separated by commas: list shows them.`);
  const { note, json } = values;
  return async (gateway, terminal) => {
    const reply = await gateway.ask('PATCH', PATH, { alert_ids, act: ACTS[action], ...(note ? { note } : {}) });
    if (!isDone(reply)) return refused(gateway, terminal, reply);
    const { alerts: done, refused: not } = reply.body as BulkActed;
    if (json) terminal.out(JSON.stringify(reply.body));
    else for (const alert of done) terminal.out(`${alert.alert_id}  ${entryLine(alert, terminal.colours)}`);
    if (!json) for (const one of not) terminal.err(`${one.alert_id}  ${one.code}: ${printable(one.detail)}`);
    return not.length > 0 ? 1 : 0;
  };
}
