import { randomUUID } from 'node:crypto';
import { ALERT_TYPES, MESSAGE_STATUSES, SEVERITIES } from '@tocsin/contracts/wire';
import { MAX_BATCH, type AlertDoor, type Trouble } from './alert-door';
import { UsageError, type Command, type Values } from './command';
import { loadPublishConfig, publishSettings } from './config';
import { doorOptions, openDoor } from './open-door';
import { readMessages } from './read-messages';
import type { Terminal } from './terminal';

const DEFAULT_TENANT = 'north-bakery';
/** The maximum size of a batch, well below the 8 MiB that the gateway accepts in one request. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

const alertOptions = {
  service: {
    type: 'string',
    value: '<name>',
    about: 'The service that raises the alert, such as inventory. Required.',
  },
  severity: {
    type: 'string',
    value: '<severity>',
    values: SEVERITIES,
    about: `${SEVERITIES.join(', ')}. Required.`,
  },
  tenant: {
    type: 'string',
    value: '<id>',
    about: `Whose alert it is. Default ${DEFAULT_TENANT}, a tenant of the demo.`,
  },
  type: { type: 'string', value: '<type>', values: ALERT_TYPES, about: `${ALERT_TYPES.join(', ')}. Default alert.` },
  name: { type: 'string', value: '<slug>', about: 'A short name of what happened, such as low_stock.' },
  message: { type: 'string', value: '<text>', about: 'The text of the alert, at most 8,000 characters.' },
  id: { type: 'string', value: '<id>', about: 'Your own id: publishing it twice is one alert. Default a random one.' },
  'dedup-key': {
    type: 'string',
    value: '<key>',
    about: 'Identifies the alert, so that it can be repeated and resolved.',
  },
  status: {
    type: 'string',
    value: '<status>',
    values: MESSAGE_STATUSES,
    about: `${MESSAGE_STATUSES.join(', ')}. Default firing; resolved needs a --dedup-key.`,
  },
  'occurred-at': {
    type: 'string',
    value: '<time>',
    about: 'When it happened: ISO 8601 or epoch seconds. Default now, with a --dedup-key.',
  },
  label: { type: 'string', multiple: true, value: 'key=value', about: 'A label. Filters match on labels.' },
  action: {
    type: 'string',
    multiple: true,
    value: 'label=url',
    about: 'A button of the alert. Without =url it is only a text.',
  },
} as const;

const options = {
  ...alertOptions,
  file: {
    type: 'string',
    value: '<file>',
    isFile: true,
    about: 'Publish the messages in this JSON file, one or a list; - is stdin.',
  },
  ...doorOptions,
  json: { type: 'boolean', about: 'Prints one JSON value: the ids that were accepted, of how many, and the time.' },
} as const;

export const publish: Command<typeof options> = {
  name: 'publish',
  purpose: 'publishes an alert and reports the result',
  about:
    'Over HTTP to the gateway, or over AMQP with confirms when RABBITMQ_URL is set. A message that is reported as ' +
    'accepted is stored, even if a process is killed.',
  argument: 'title',
  options,
  examples: [
    'npm run publish -- --service inventory --severity urgent "Flour is low"',
    'npm run publish -- --service ovens --severity high --dedup-key oven-3 --label line=2 --action ' +
      '"Open=https://example.com/ovens/3" "Oven 3 is too cold"',
    'npm run publish -- --file alerts.json',
  ],
  settings: publishSettings,
  exits: { 1: 'not all of it was accepted' },

  async run({ values, argument }, terminal) {
    const messages = values.file === undefined ? [fromOptions(values, argument)] : undefined;
    if (!messages) refuseOptionsBesideFile(values, argument);
    const door = openDoor(values, loadPublishConfig(terminal.environment));
    try {
      const given = messages ?? (await readMessages(values.file!, terminal.stdin));
      return await publishAll(given, door, terminal, values.json);
    } finally {
      await door.close();
    }
  },
};

type Given = Values<typeof options>;

/** The message that the options describe. It is validated where it is published. */
function fromOptions(values: Given, title: string | undefined): Record<string, unknown> {
  if (title === undefined)
    throw new UsageError('publish needs a title in quotes, such as "Flour is low", or a --file.');
  for (const name of ['service', 'severity'] as const)
    if (values[name] === undefined)
      throw new UsageError(`publish needs --${name}: ${options[name].about.replace(' Required.', '')}`);
  const {
    service,
    severity,
    tenant = DEFAULT_TENANT,
    type,
    name,
    message,
    id = randomUUID(),
    status,
    label,
    action,
  } = values;
  const dedup_key = values['dedup-key'];
  // no time without a dedup_key: it is not needed, and a new time would make a repeated id two different messages
  const occurred_at = values['occurred-at'] ?? (dedup_key === undefined ? undefined : new Date().toISOString());
  return {
    tenant_id: tenant,
    service,
    severity,
    id,
    type,
    name,
    title,
    message,
    dedup_key,
    status,
    occurred_at,
    labels: label && Object.fromEntries(label.map((text) => splitOnce('--label', text))),
    actions: action?.map((text) => {
      const [actionLabel, url] = text.includes('=') ? splitOnce('--action', text) : [text];
      return { label: actionLabel, url };
    }),
  };
}

function splitOnce(option: string, text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`${option} is ${option === '--label' ? 'key=value' : 'label=url'}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function refuseOptionsBesideFile(values: Given, title: string | undefined): void {
  const beside = Object.keys(alertOptions).find((name) => values[name as keyof typeof alertOptions] !== undefined);
  if (title !== undefined) throw new UsageError('--file holds whole messages: a title has no place beside it.');
  if (beside) throw new UsageError(`--file holds whole messages: --${beside} has no place beside it.`);
}

/**
 * Publishes the messages in batches. Stops at the first one that is not accepted, and prints how many were accepted
 * before.
 */
async function publishAll(
  messages: readonly unknown[],
  door: AlertDoor,
  terminal: Terminal,
  json: boolean | undefined,
): Promise<number> {
  const ids: string[] = [];
  let tookMs = 0;
  let trouble: Trouble | undefined;
  for (const batch of inBatches(messages)) {
    const answer = await door.publish(batch);
    ids.push(...answer.accepted);
    tookMs += answer.tookMs;
    trouble = answer.trouble;
    if (trouble) break;
  }
  const took_ms = Math.max(1, Math.round(tookMs));
  if (json) terminal.out(JSON.stringify({ accepted: ids, of: messages.length, took_ms }));
  if (trouble) {
    for (const line of trouble.kind === 'away' ? [trouble.sentence] : trouble.lines) terminal.err(line);
    if (messages.length > 1)
      terminal.err(`${ids.length} of ${messages.length} were accepted; those with ids can be published again.`);
    return 1;
  }
  const rest = ids.length > 1 ? ` and ${ids.length - 1} more` : '';
  if (!json) terminal.out(`${door.accepts} · ${ids[0]}${rest} · ${took_ms} ms`);
  return 0;
}

function* inBatches(messages: readonly unknown[]): Generator<unknown[]> {
  let batch: unknown[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = Buffer.byteLength(JSON.stringify(message));
    if (batch.length > 0 && (batch.length >= MAX_BATCH || bytes + size > MAX_BATCH_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(message);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
