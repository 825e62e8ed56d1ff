import { fullJitter } from '@tocsin/timing';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_BATCH, type AlertDoor, type Answer } from '../alert-door';
import type { FeedItem } from './bakery-feed';

/** What became of a feed that was played. Nothing is ever dropped: what is not confirmed is tried again under its id. */
export interface Tally {
  published: number;
  /** Of these, those that had to be sent more than once. */
  retried: number;
  /** Not confirmed when the feed was interrupted or refused. */
  unsent: number;
  /** Why the server will have none of it; undefined when it did not say so. */
  refusal?: readonly string[];
}

/** What there is to tell while it is played. */
export interface Watcher {
  published(item: FeedItem): void;
  /** The server is away. Told at once and every five seconds. */
  waiting(reason: string, waitedMs: number, kept: number): void;
  /** It has taken something again. */
  back(waitedMs: number): void;
}

interface Play {
  feed: Iterator<FeedItem>;
  door: AlertDoor;
  /** Alerts a second, on average. */
  rate: number;
  watcher: Watcher;
  interrupted: AbortSignal;
}

/** What waits for an absent server at most; the feed stands still then. */
const MAX_WAITING = MAX_BATCH;
const BACK_OFF = { firstMs: 250, capMs: 2_000 };
const SAY_EVERY_MS = 5_000;

/**
 * Publishes a feed at its pace until it ends, is interrupted or is refused. While the server is away the feed goes on, and what it
 * says is kept: the same messages under the same ids, tried again until they are confirmed.
 */
export async function playFeed({ feed, door, rate, watcher, interrupted }: Play): Promise<Tally> {
  const waiting: { item: FeedItem; attempts: number }[] = [];
  const tally: Tally = { published: 0, retried: 0, unsent: 0 };
  let ended = false;
  let dueAt = performance.now();
  let outage: { sinceMs: number; saidMs: number; tryAt: number; failures: number } | undefined;

  const takeDue = (now: number) => {
    while (!ended && now >= dueAt && waiting.length < MAX_WAITING) {
      const { value, done } = feed.next();
      if (done) ended = true;
      else {
        waiting.push({ item: value, attempts: 0 });
        if (!value.more) dueAt += pauseMs(rate);
      }
    }
    // a feed that stood still does not make up for it
    if (waiting.length >= MAX_WAITING) dueAt = Math.max(dueAt, now);
  };

  const settle = ({ accepted, trouble }: Answer, batch: typeof waiting): boolean => {
    for (const sent of batch) sent.attempts += 1;
    const ids = new Set(accepted);
    const done = trouble ? batch.filter(({ item }) => ids.has(item.message.id)) : batch;
    const now = performance.now();
    if (outage && done.length > 0) watcher.back(now - outage.sinceMs);
    if (done.length > 0) outage = undefined;
    for (const { item, attempts } of done) {
      tally.published += 1;
      if (attempts > 1) tally.retried += 1;
      watcher.published(item);
    }
    waiting.splice(0, batch.length, ...batch.filter((sent) => !done.includes(sent)));
    if (trouble?.kind === 'refused') tally.refusal = trouble.lines;
    if (trouble?.kind !== 'away') return trouble === undefined;
    outage ??= { sinceMs: now, saidMs: -Infinity, tryAt: 0, failures: 0 };
    if (now - outage.saidMs >= SAY_EVERY_MS) {
      watcher.waiting(trouble.sentence, now - outage.sinceMs, waiting.length);
      outage.saidMs = now;
    }
    outage.tryAt = now + fullJitter(outage.failures++, BACK_OFF);
    return true;
  };

  while (!interrupted.aborted) {
    const now = performance.now();
    takeDue(now);
    const wakeAt = waiting.length === 0 ? dueAt : (outage?.tryAt ?? now);
    if (ended && waiting.length === 0) break;
    if (wakeAt > now) {
      // an absent server does not stop the clock: what falls due meanwhile is taken in time
      const until = ended || waiting.length >= MAX_WAITING ? wakeAt : Math.min(wakeAt, dueAt);
      await sleep(Math.max(1, until - now), undefined, { signal: interrupted }).catch(() => undefined);
      continue;
    }
    const batch = waiting.slice(0, MAX_BATCH);
    if (!settle(await door.publish(batch.map(({ item }) => item.message)), batch)) break;
  }
  return { ...tally, unsent: waiting.length };
}

/** Between half and one and a half times the usual pause: services do not beat like a metronome. */
const pauseMs = (rate: number): number => (1_000 / rate) * (0.5 + Math.random());
