import type { Patch } from './built-copy';
import { SCENARIOS, type ScenarioName } from './mutant-scenarios';

/** A gateway that is broken on purpose in one way, and what the ledger must say about it. */
export interface Mutant {
  name: string;
  patches: readonly Patch[];
  scenario: ScenarioName;
  caughtAs: string;
}

export { SCENARIOS };

const gateway = (file: string) => `apps/gateway/src/${file}.js`;
const TENANT_FEED = gateway('feeds/tenant-feed');
const TENANT_FEEDS = gateway('feeds/tenant-feeds');
const RING = gateway('feeds/ring');
const CATCH_UP = gateway('feeds/catch-up');
const EVENT_STREAM = gateway('live/event-stream');

/** A gateway that never compares its position with the log's: it knows what it is told, and nothing else. */
export const NO_POSITION_CHECK: Patch = {
  file: TENANT_FEEDS,
  search: 'async checkPositions() {',
  replace: 'async checkPositions() { return;',
};

/** Whoever changes what a patch is written for changes the patch: one that does not apply is a failed test, never a skipped one. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a join that goes live before the replay is complete',
    patches: [
      {
        file: TENANT_FEED,
        search:
          'if (position.seq !== this.last.seq || position.fp !== this.last.fp || position.epoch !== this.last.epoch) return false;',
        replace: '',
      },
    ],
    scenario: 'a client that was away while entries were stored',
    caughtAs: 'client_missed',
  },
  {
    name: 'no position check',
    patches: [NO_POSITION_CHECK],
    scenario: 'a hint that is lost, and then silence',
    caughtAs: 'client_not_at_head',
  },
  {
    name: 'no removal of duplicates',
    patches: [
      {
        file: TENANT_FEED,
        search: 'hint.seq <= this.last.seq) { return;',
        replace: 'hint.seq <= this.last.seq) { if (hint.data) this.append(hint); return;',
      },
    ],
    scenario: 'hints that come twice',
    caughtAs: 'client_saw_twice',
  },
  {
    name: 'no comparison of fingerprints',
    patches: [
      {
        file: CATCH_UP,
        search: 'first?.seq !== position.seq || first.fp !== position.fp',
        replace: 'first?.seq !== position.seq',
      },
      { file: CATCH_UP, search: 'missed === 0 && position.fp === head.fp', replace: 'missed === 0' },
      { file: TENANT_FEED, search: 'position.fp !== this.last.fp ||', replace: '' },
      { file: RING, search: 'this.entries[at]?.fp === position.fp', replace: 'this.entries[at]' },
      { file: TENANT_FEED, search: 'head.seq === last.seq && head.fp !== last.fp', replace: 'false' },
    ],
    scenario: 'a restored history that has reached the old number again',
    caughtAs: 'client_saw_unknown',
  },
  {
    name: "heartbeats that carry the feed's head during a replay",
    patches: [
      {
        file: EVENT_STREAM,
        search: `'heartbeat', data, { id: this.position.cursor()`,
        replace: `'heartbeat', data, { id: (0, _cursor.formatCursor)(new Map(followed.map(({ feed }) => [feed.tenant, feed.last])))`,
      },
    ],
    scenario: 'a cut in the middle of a replay, right behind a heartbeat',
    caughtAs: 'id_before_entry',
  },
  {
    name: 'a future cursor that is judged without a read',
    patches: [
      { file: CATCH_UP, search: `if (first.reason !== 'history_replaced') return first;`, replace: 'return first;' },
    ],
    scenario: "a cursor one entry ahead of this gateway's feed",
    caughtAs: 'told_gap',
  },
];
