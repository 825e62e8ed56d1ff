import type { CloseFrame, ConnectionFrame } from '@tocsin/contracts/wire';
import { setTimeout as sleep } from 'node:timers/promises';
import { framesOf, openStream, type Frame, type Opened } from '../event-stream';
import { clockSkew, found, type Checked, type Finding } from './findings';

/** A stream's head and its first frame are a few bytes: later than this, something holds them back. */
const AT_ONCE_MS = 3_000;
/** An answer with a status other than 200 is read no further than this. */
const MAX_ANSWER_CHARACTERS = 65_536;

/** Ctrl+C cuts the stream, which is nothing that was found. */
const INTERRUPTED: Checked = { check: 'stream', skipped: 'it was interrupted', findings: [] };

interface StreamCheck {
  /** The address of the event stream. */
  target: URL;
  token: string;
  /** The least time for which the stream is watched, in milliseconds. */
  watchMs: number;
  interrupted: AbortSignal;
}

/**
 * Opens a stream as a client does, watches it until the heartbeat has had its time, and resumes it. Takes one and a
 * half heartbeats, or `watchMs`.
 */
export async function checkStream(check: StreamCheck): Promise<Checked> {
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, check.interrupted]);
  try {
    const opened = await openStream(check.target, { token: check.token, signal, headTimeoutMs: AT_ONCE_MS });
    const refusal = await refusalOf(opened, 'stream');
    if (refusal) return { check: 'stream', findings: [refusal] };
    return await watch(check, opened, signal);
  } catch (error) {
    if (check.interrupted.aborted) return INTERRUPTED;
    return { check: 'stream', findings: [unopened(check.target, 'stream', error)] };
  } finally {
    ended.abort();
  }
}

/** Which stream a finding is about. */
type Which = 'stream' | 'resumed stream';

/** The finding about a request that had no answer. */
const unopened = ({ origin }: URL, which: Which, error: unknown): Finding =>
  (error as Error).name === 'HeadTimeout'
    ? found(
        'stream_buffered',
        `${origin} accepted the request, and showed no head of the ${which} within ${AT_ONCE_MS / 1_000} s.`,
      )
    : found('unreachable', `No ${which} could be opened at ${origin} (${codeOf(error)}).`);

/** The finding about an answer that is no stream. */
async function refusalOf({ response }: Opened, which: Which): Promise<Finding | undefined> {
  const type = response.headers['content-type'] ?? 'no content type';
  const isOk = response.statusCode === 200;
  if (isOk && type.startsWith('text/event-stream')) return undefined;
  // only an error has a code; under another content type a stream may come all the same, which does not end
  const code = isOk ? undefined : codeIn(await textOf(response));
  if (code === undefined)
    return found('not_a_stream', `The request for a ${which} was answered ${response.statusCode}, ${type}.`);
  return found('stream_refused', `The ${which} was refused: ${response.statusCode} ${code}.`);
}

async function textOf(response: Opened['response']): Promise<string> {
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>)
    if ((text += chunk.toString()).length > MAX_ANSWER_CHARACTERS) break;
  return text;
}

/** The finding about a stream that does not begin with a `connection` frame. */
async function silenceOf(frames: Watched, which: Which): Promise<Finding | undefined> {
  await frames.until(() => frames.connection !== undefined || frames.closed !== undefined, AT_ONCE_MS);
  if (frames.connection) return undefined;
  // what the gateway refuses only for now, it refuses with a stream that holds nothing else
  if (frames.closed) return found('stream_refused', `The ${which} was refused: ${frames.closed.reason}.`);
  return frames.ended
    ? found('stream_cut', `The ${which} ended before its first frame.`)
    : found(
        'stream_buffered',
        `The head of the ${which} came, and its first frame did not within ${AT_ONCE_MS / 1_000} s.`,
      );
}

async function watch(check: StreamCheck, opened: Opened, signal: AbortSignal): Promise<Checked> {
  const frames = new Watched(opened);
  const silence = await silenceOf(frames, 'stream');
  if (signal.aborted) return INTERRUPTED;
  if (silence) return { check: 'stream', findings: [silence] };
  const { firstId } = frames;
  const { heartbeat_ms, server_time } = frames.connection!;
  const findings = clockSkew('the gateway', Date.parse(server_time), opened.sentAtMs, frames.firstAtMs);
  const forMs = Math.max(1.5 * heartbeat_ms, check.watchMs);
  await frames.until(() => frames.ended, forMs);
  const livedMs = (frames.ended ? frames.endedAtMs : Date.now()) - frames.firstAtMs;
  const until = frames.closed ? `, until the gateway closed the stream (${frames.closed.reason})` : '';
  if (!signal.aborted) findings.push(...lifeOf(frames, heartbeat_ms, forMs));
  if (!signal.aborted && firstId !== undefined) findings.push(...(await resumed(check, firstId, signal)));
  const headMs = opened.headAtMs - opened.sentAtMs;
  return {
    check: 'stream',
    seen: `head after ${headMs} ms, first frame after ${frames.firstAtMs - opened.sentAtMs} ms, ${frames.heartbeats} heartbeats in ${Math.round(livedMs / 1_000)} s${until}`,
    findings,
  };
}

function lifeOf(frames: Watched, heartbeatMs: number, forMs: number): Finding[] {
  const livedS = (frames.endedAtMs - frames.firstAtMs) / 1_000;
  if (frames.ended && !frames.closed) {
    return frames.heartbeats === 0
      ? [
          found(
            'timeout_below_heartbeat',
            `The stream was cut after ${livedS.toFixed(1)} s of silence, and heartbeats come every ${heartbeatMs / 1_000} s.`,
          ),
        ]
      : [found('stream_cut', `The stream was cut after ${livedS.toFixed(1)} s, without a close frame.`)];
  }
  if (frames.heartbeats > 0 || frames.closed) return [];
  return [
    found(
      'heartbeat_missing',
      `No heartbeat arrived within ${(forMs / 1_000).toFixed(1)} s, and one is sent every ${heartbeatMs / 1_000} s.`,
    ),
  ];
}

/**
 * Opens the stream again at a cursor of it, as a client does whose token has not changed. A gateway that saw no cursor
 * says `fresh`.
 */
async function resumed({ target, token }: StreamCheck, cursor: string, signal: AbortSignal): Promise<Finding[]> {
  const again = await openStream(target, { token, cursor, signal, headTimeoutMs: AT_ONCE_MS }).catch(
    (error: unknown) => {
      if (signal.aborted) throw error;
      // what was found before stands
      return unopened(target, 'resumed stream', error);
    },
  );
  if ('finding' in again) return [again];
  const refusal = await refusalOf(again, 'resumed stream');
  if (refusal) return [refusal];
  const frames = new Watched(again);
  const silence = await silenceOf(frames, 'resumed stream');
  again.response.destroy();
  if (signal.aborted) return [];
  if (silence) return [silence];
  return frames.connection?.verdict === 'fresh'
    ? [found('position_lost', 'A stream that was opened again with Last-Event-ID began anew.')]
    : [];
}

/** What has arrived of a stream. */
class Watched {
  connection: ConnectionFrame | undefined;
  /** The id of the first frame that has one. */
  firstId: string | undefined;
  firstAtMs = 0;
  heartbeats = 0;
  /** What the gateway said when it closed the stream. */
  closed: CloseFrame | undefined;
  ended = false;
  endedAtMs = 0;
  private wake = (): void => undefined;

  constructor({ response }: Opened) {
    void this.read(response);
  }

  /** Resolves when the condition holds, or the time is over. */
  async until(holds: () => boolean, timeoutMs: number): Promise<void> {
    const over = new AbortController();
    const timeout = sleep(timeoutMs, undefined, { signal: over.signal }).catch(() => undefined);
    let late = false;
    void timeout.then(() => (late = true));
    while (!holds() && !this.ended && !late)
      await Promise.race([timeout, new Promise<void>((resolve) => (this.wake = resolve))]);
    over.abort();
  }

  private async read(response: Opened['response']): Promise<void> {
    for await (const frame of framesOf(response)) {
      this.take(frame);
      this.wake();
    }
    this.ended = true;
    this.endedAtMs = Date.now();
    this.wake();
  }

  private take({ id, event, data }: Frame): void {
    this.firstId ??= id;
    if (event === 'heartbeat') this.heartbeats += 1;
    if (event === 'close') this.closed = JSON.parse(data) as CloseFrame;
    if (event !== 'connection') return;
    this.firstAtMs = Date.now();
    this.connection = JSON.parse(data) as ConnectionFrame;
  }
}

function codeIn(text: string): string | undefined {
  try {
    const { code } = JSON.parse(text) as { code?: unknown };
    return typeof code === 'string' && /^[a-z_]{1,64}$/.test(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? (error as Error).name;
