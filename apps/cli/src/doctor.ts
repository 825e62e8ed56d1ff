import { queueStates } from '@tocsin/rabbitmq';
import { DEFAULT_USER, gatewayOptions } from './ask-gateway';
import { readNumber, UsageError, type Command } from './command';
import { gatewayUrl, isHttpUrl, loadPublishConfig, publishSettings } from './config';
import { Credential } from './credential';
import { checkCors, checkExposure, checkTransport } from './doctor/check-edge';
import { checkProcesses } from './doctor/check-processes';
import { checkQueues } from './doctor/check-queues';
import { checkStream } from './doctor/check-stream';
import { FINDINGS, type Checked } from './doctor/findings';
import { printable } from './terminal';

const options = {
  user: {
    type: 'string',
    value: '<id>',
    about: `Whose stream is opened, when the command line signs the token. Default ${DEFAULT_USER}, the demo's user.`,
  },
  admin: {
    type: 'string',
    multiple: true,
    value: '<address>',
    about: 'The admin port of a process, such as http://localhost:9090. Without one the processes are not checked.',
  },
  origin: { type: 'string', value: '<origin>', about: 'The origin of your page. Without it CORS is not checked.' },
  seconds: {
    type: 'string',
    value: '<number>',
    about: 'For how long the stream is watched, at most 7200. Default one and a half heartbeats.',
  },
  ...gatewayOptions,
  json: { type: 'boolean', about: 'Prints one JSON value for each check.' },
} as const;

export const doctor: Command<typeof options> = {
  name: 'doctor',
  purpose: 'checks a deployment from outside',
  about:
    'Opens a stream through whatever stands before the gateway, watches its heartbeat, resumes it, and checks certificates, CORS, clocks, processes and queues. It changes nothing.',
  options,
  examples: [
    'npm run doctor',
    'npm run doctor -- --url https://alerts.example.com --origin https://app.example.com',
    'npm run doctor -- --admin http://localhost:9090 --admin http://localhost:9091 --json',
  ],
  settings: publishSettings,
  exits: { 0: 'nothing is wrong', 1: 'something was found' },

  async run({ values }, terminal) {
    const { url, admin = [], origin, json, user = DEFAULT_USER } = values;
    for (const address of [...(url === undefined ? [] : [url]), ...admin])
      if (!isHttpUrl(address)) throw new UsageError('--url and --admin are http or https addresses.');
    if (origin !== undefined && (!isHttpUrl(origin) || new URL(origin).origin !== origin))
      throw new UsageError('--origin is what a browser sends, such as https://app.example.com.');
    const seconds =
      values.seconds === undefined ? 0 : readNumber('--seconds', values.seconds, { least: 1, most: 7_200 });
    const config = loadPublishConfig(terminal.environment);
    const base = new URL(`${(url ?? gatewayUrl(config)).replace(/[?#].*$/, '').replace(/\/*$/, '')}/`);
    const token = new Credential(config, ['alerts:read'], user, seconds).token();
    const interrupted = terminal.interrupted();

    let count = 0;
    const tell = (checked: Checked) => {
      count += checked.findings.length;
      for (const line of json ? asJson(checked) : asLines(checked)) terminal.out(line);
      return checked;
    };
    const transport = tell(await checkTransport(base));
    const isTrusted = !transport.findings.some(
      ({ finding }) => finding === 'certificate_untrusted' || finding === 'unreachable',
    );
    const { RABBITMQ_URL, RABBITMQ_PREFIX } = config;
    const queues = RABBITMQ_URL ? () => queueStates({ url: RABBITMQ_URL, prefix: RABBITMQ_PREFIX }) : undefined;
    const all = isTrusted
      ? [
          checkExposure(base),
          checkCors(base, origin),
          checkStream({ target: new URL('api/events?since=0', base), token, watchMs: seconds * 1_000, interrupted }),
        ]
      : [];
    for (const check of [...all, checkProcesses(admin), checkQueues(queues)]) tell(await check);
    if (!json) terminal.err(count === 0 ? 'Nothing was found.' : `${count} found.`);
    return count === 0 ? 0 : 1;
  },
};

const asJson = ({ check, seen, skipped, findings }: Checked): string[] => [
  JSON.stringify({
    check,
    status: skipped !== undefined ? 'skipped' : findings.length > 0 ? 'found' : 'ok',
    seen: findings.length > 0 ? null : (seen ?? null),
    skipped: skipped ?? null,
    findings: findings.map((one) => ({ ...one, remedy: FINDINGS[one.finding] })),
  }),
];

function asLines({ check, seen, skipped, findings }: Checked): string[] {
  if (skipped !== undefined) return [`- ${check}: not checked, ${skipped}`];
  if (findings.length === 0) return [`✓ ${check}: ${printable(seen ?? '')}`];
  return findings.flatMap(({ finding, detail }) => [
    `✗ ${check}: ${finding}. ${printable(detail)}`,
    `    ${FINDINGS[finding]}`,
  ]);
}
