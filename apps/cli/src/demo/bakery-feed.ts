import type { AlertMessageBody } from '@tocsin/contracts/wire';
import { BAKERY_DAY, type Beat, type Story } from './bakery-day';
import { Dice } from './dice';

export interface FeedOptions {
  seed: number;
  /** Who the stories happen to: the bakery's to the first, the café's to the second, or all of them to an only one. */
  tenants: readonly [string, ...string[]];
  /** Before every id. Ids are used once, so each run of a demo has its own. */
  run: string;
  /** The clock that `occurred_at` is taken from. */
  now: () => Date;
}

export interface FeedItem {
  message: AlertMessageBody & { id: string; title: string };
  /** From 1. A day tells every story once and to its end. */
  day: number;
  /** Part of a burst: the next one follows at once. */
  more: boolean;
}

/** How many stories are told side by side. */
const MAX_OPEN_STORIES = 5;
/** Which part of the day's stories comes before its burst: it is to surprise somebody who has seen single alerts. */
const BURST_AT = 0.4;

/**
 * Day after day at a bakery and its café, without an end. The same seed tells the same days. What resolves was raised before, in the
 * same day; what is open when a day ends says nothing more.
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

/** All stories of a day, told side by side, each in its own order. A burst is told without a pause. */
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
