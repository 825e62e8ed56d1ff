import { ALERT_TYPES, SEVERITIES, type CloseFrame, type ConnectionFrame, type Entry } from '@tocsin/contracts/wire';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_USER, gatewayOptions } from './ask-gateway';
import { readNumber, UsageError, type Command, type Values } from './command';
import { gatewaySettings, gatewayUrl, isHttpUrl, loadGatewayConfig } from './config';
import { Credential } from './credential';
import { framesOf, openStream, type Frame } from './event-stream';
import { entryLine } from './severity-colours';
import { printable, type Terminal } from './terminal';

const HEAD_TIMEOUT_MS = 10_000;
/** A stream is silent for one heartbeat at most, which is below 60 s. Twice that long means that it is dead. */
const SILENCE_MS = 120_000;
/** A client that lost its stream comes back after 2 to 5 s, so that not all clients of a gateway come at once. */
const retryMs = (): number => 2_000 + Math.random() * 3_000;
/** Refusals that end by themselves. */
const TEMPORARY = [429, 502, 503, 504];

const filters = {
  tenant: {
    type: 'string',
    value: '<ids>',
    about: 'Only these tenants, separated by commas. Default all of the user.',
  },
  severity: {
    type: 'string',
    value: '<names>',
    values: SEVERITIES,
    about: 'Only these severities, separated by commas.',
  },
  service: { type: 'string', value: '<names>', about: 'Only these services, separated by commas.' },
  type: { type: 'string', value: '<names>', values: ALERT_TYPES, about: 'Only these types, separated by commas.' },
} as const;

const options = {
  ...filters,
  since: {
    type: 'string',
    value: '<number>',
    about: 'Begin with so many entries of each tenant, at most 500. Default 10.',
  },
  user: {
    type: 'string',
    value: '<id>',
    about: `Whose stream it is, when the command line signs the token. Default ${DEFAULT_USER}, the demo's user.`,
  },
  count: { type: 'string', value: '<number>', about: 'End after so many entries. Default: at Ctrl+C.' },
  ...gatewayOptions,
  json: { type: 'boolean', about: 'Prints each entry as it came, one JSON value a line.' },
} as const;

export const tail: Command<typeof options> = {
  name: 'tail',
  purpose: 'follows a stream, a line for each entry',
  about:
    'Prints each entry of the log as it arrives. When the stream ends it is opened again at the same place, so nothing is missed and nothing is printed twice; where the gateway cannot go on from there, a line on stderr says so.',
  options,
  examples: [
    'npm run tail',
    'npm run tail -- --tenant north-bakery --severity urgent,high',
    'npm run -s tail -- --json --count 1 | jq .title',
  ],
  settings: gatewaySettings,
  exits: { 0: 'it ended at Ctrl+C or after --count', 1: 'the gateway refuses the stream for good' },

  run({ values }, terminal) {
    const { url } = values;
    if (url !== undefined && !isHttpUrl(url)) throw new UsageError('--url is an http or https address.');
    const config = loadGatewayConfig(terminal.environment);
    const base = (url ?? gatewayUrl(config)).replace(/[?#].*$/, '').replace(/\/*$/, '/');
    const credential = new Credential(config, ['alerts:read'], values.user ?? DEFAULT_USER);
    return new Following(new URL(`api/events?${query(values)}`, base), credential, values, terminal).run();
  },
};

function query(values: Values<typeof options>): string {
  const since = readNumber('--since', values.since ?? '10', { least: 0, most: 500, whole: true });
  const given = Object.keys(filters).flatMap((name): [string, string][] => {
    const value = values[name as keyof typeof filters];
    return value === undefined ? [] : [[name, value]];
  });
  return new URLSearchParams([...given, ['since', String(since)]]).toString();
}

/** What follows after a stream has ended: another one, or the end of the command. */
type Next = { waitMs: number } | { exitCode: number };

/** A stream that is opened again and again, at the place where the last one ended. */
class Following {
  private cursor: string | undefined;
  private printed = 0;
  /** The token was signed anew because the gateway refused the one before. */
  private renewed = false;
  private readonly most: number;

  constructor(
    private readonly target: URL,
    private readonly credential: Credential,
    private readonly values: Values<typeof options>,
    private readonly terminal: Terminal,
  ) {
    this.most =
      values.count === undefined ? Infinity : readNumber('--count', values.count, { least: 1, most: 1e9, whole: true });
  }

  /** Resolves with the exit code: 0 after Ctrl+C or `--count`, 1 when the gateway refuses for good. */
  async run(): Promise<number> {
    const interrupted = this.terminal.interrupted();
    for (;;) {
      const next = await this.follow(interrupted);
      if (interrupted.aborted) return 0;
      if ('exitCode' in next) return next.exitCode;
      await sleep(next.waitMs, undefined, { signal: interrupted }).catch(() => undefined);
    }
  }

  private async follow(interrupted: AbortSignal): Promise<Next> {
    const { cursor, target, renewed } = this;
    this.renewed = false;
    const silent = new AbortController();
    const signal = AbortSignal.any([interrupted, silent.signal]);
    const token = this.credential.token();
    const opened = await openStream(target, { token, cursor, signal, headTimeoutMs: HEAD_TIMEOUT_MS }).catch(
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
    if (typeof opened === 'string') return this.again(`${target.origin} cannot be reached (${printable(opened)})`);
    const { response } = opened;
    if (response.statusCode !== 200) {
      response.resume();
      return this.refused(response.statusCode!, String(response.headers['retry-after'] ?? ''), renewed);
    }
    const silence = setTimeout(() => silent.abort(), SILENCE_MS);
    let closing: CloseFrame | undefined;
    let isOpen = false;
    for await (const frame of framesOf(response)) {
      silence.refresh();
      if (frame.event === 'close') closing = JSON.parse(frame.data) as CloseFrame;
      else isOpen = true;
      this.take(frame);
      if (this.printed < this.most) continue;
      response.destroy();
      clearTimeout(silence);
      return { exitCode: 0 };
    }
    clearTimeout(silence);
    if (closing?.action === 'stop' || (closing?.action === 'reauthenticate' && !this.credential.renew()))
      return this.over(`The gateway ended the stream (${closing.reason}).`);
    // what the gateway refuses only for now, it refuses with a stream that holds nothing else
    if (!isOpen && !interrupted.aborted)
      this.again(
        closing
          ? `the gateway refuses for now (${printable(closing.reason)})`
          : `${target.origin} ended the stream before its first frame`,
      );
    return closing ? { waitMs: closing.retry_ms } : { waitMs: retryMs() };
  }

  private take({ id, event, data }: Frame): void {
    // the parser gives the last id to each frame after it, as a browser does
    if (id) this.cursor = id;
    const { terminal, values } = this;
    if (event === 'reset') {
      terminal.err(`Entries were missed that the gateway no longer sends: ${printable(data)}`);
      return;
    }
    if (event === 'connection') for (const line of gapsOf(JSON.parse(data) as ConnectionFrame)) terminal.err(line);
    if (CONTROL.includes(event)) return;
    this.printed += 1;
    terminal.out(values.json ? data : entryLine(JSON.parse(data) as Entry, terminal.colours));
  }

  private refused(status: number, retryAfter: string, renewed: boolean): Next {
    // a second 401 in a row means that the secret is another one: the same token again would be refused without end
    if (status === 401 && !renewed && this.cursor !== undefined && this.credential.renew()) {
      this.renewed = true;
      return { waitMs: 0 };
    }
    if (!TEMPORARY.includes(status))
      return this.over(
        `The gateway refuses the stream (${status}). ${this.credential.origin} npm run doctor says more.`,
      );
    const seconds = /^\d{1,4}$/.test(retryAfter) ? Number(retryAfter) : 0;
    return { waitMs: Math.max(this.again(`the gateway refuses for now (${status})`).waitMs, seconds * 1_000) };
  }

  private again(why: string): { waitMs: number } {
    this.terminal.err(`Trying again: ${why}.`);
    return { waitMs: retryMs() };
  }

  private over(why: string): Next {
    this.terminal.err(why);
    return { exitCode: 1 };
  }
}

/** A line for each tenant in which the stream could not go on at its place. */
const gapsOf = ({ tenants }: ConnectionFrame): string[] =>
  tenants
    .filter(({ verdict }) => verdict === 'gap')
    .map(({ tenant_id, missed, reason }) =>
      missed === null
        ? `Entries of ${printable(tenant_id)} may have been missed, and it cannot be known how many (${reason}).`
        : `Entries of ${printable(tenant_id)} were missed that the gateway does not send again: ${missed} (${reason}).`,
    );

/** Frames that are no entries. */
const CONTROL = ['connection', 'heartbeat', 'close'];
