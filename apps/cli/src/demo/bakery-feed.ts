import type { AlertMessageBody } from '@tocsin/contracts/wire';
import { BAKERY_DAY, type Beat, type Story } from './bakery-day';
import { Dice } from './dice';

export interface FeedOptions {
  seed: number;
  /**
   * The tenants of the stories: the bakery's stories go to the first, the café's to the second. A single tenant gets
   * all.
   */
  tenants: readonly [string, ...string[]];
  /** The prefix of every id. An id is used once, so each run of a demo has its own prefix. */
  run: string;
  /** The clock for `occurred_at`. */
  now: () => Date;
}

export interface FeedItem {
  message: AlertMessageBody & { id: string; title: string };
  /** From 1. A day tells every story once and completely. */
  day: number;
  /** The item is part of a burst: the next one follows at once. */
  more: boolean;
}

/** How many stories are told at the same time. */
const MAX_OPEN_STORIES = 5;
/** Which part of the day's stories comes before the burst: it should surprise a viewer who has seen single alerts. */
const BURST_AT = 0.4;

/**
 * Endless days at a bakery and its café. The same seed gives the same days. An alert that resolves was raised before,
 * on the same day; an alert that is open when its day ends gets no more messages.
 */
export function* bakeryFeed({ seed, tenants, run, now }: FeedOptions): Generator<FeedItem, never> {
  const dice = new Dice(seed);
  let count = 0;
  for (let day = 1; ; day += 1) {
    for (const { story, beat, more } of oneDay(dice)) {
      count += 1;
      const tenant = story.site === 'bakery' ? tenants[0] : tenants[1 % tenants.length]!;
      yield { message: messageOf(story, beat, { tenant, id: `${run}-${count}`, at: now() }), day, more };
    }
  }
}

interface Told {
  story: Story;
  beat: Beat;
  more: boolean;
}

/** All stories of a day, mixed, each in its own order. A burst is told without a pause. */
function* oneDay(dice: Dice): Generator<Told> {
  const stories = dice.shuffled(BAKERY_DAY).map((write) => write(dice));
  const waiting = stories.filter((story) => !isBurst(story));
  waiting.splice(Math.floor(waiting.length * BURST_AT), 0, ...stories.filter(isBurst));
  const open: { story: Story; next: number }[] = [];
  while (waiting.length > 0 || open.length > 0) {
    const room = waiting.length > 0 && open.length < MAX_OPEN_STORIES;
    if (room && (open.length < 2 || dice.roll() < 0.5)) open.push({ story: waiting.shift()!, next: 0 });
    const told = dice.oneOf(open);
    let more: boolean;
    do {
      const beat = told.story.beats[told.next]!;
      told.next += 1;
      more = beat.burst === true && told.story.beats[told.next]?.burst === true;
      yield { story: told.story, beat, more };
    } while (more);
    if (told.next === told.story.beats.length) open.splice(open.indexOf(told), 1);
  }
}

const isBurst = ({ beats }: Story): boolean => beats.some(({ burst }) => burst);

function messageOf(
  story: Story,
  beat: Beat,
  { tenant, id, at }: { tenant: string; id: string; at: Date },
): FeedItem['message'] {
  const { burst: _, alone, ...said } = beat;
  const { site, service, name, type, labels, actions, key } = story;
  return {
    tenant_id: tenant,
    service,
    id,
    name,
    ...(type && { type }),
    ...(actions && { actions }),
    ...(key && !alone && { dedup_key: key }),
    ...said,
    occurred_at: at.toISOString(),
    labels: { site: site === 'bakery' ? 'North Street' : 'Harbour', ...labels },
  };
}
