import type { Patch } from './built-copy';
import { INGEST_SCENARIOS, type IngestScenarioName } from './ingest-mutant-scenarios';

/** A processor that is broken on purpose in one way, and what the ledger must say about it. */
export interface IngestMutant {
  name: string;
  patches: readonly Patch[];
  scenario: IngestScenarioName;
  caughtAs: string;
}

export { INGEST_SCENARIOS };

const SOURCE_LANE = 'apps/alert-processor/src/source-lane/source-lane.js';
const IN_HAND = 'apps/alert-processor/src/source-lane/in-hand.js';
const EVENT_LOG = 'libs/postgres/src/event-log.postgres.js';
const STORE_EVENTS = 'libs/postgres/src/functions/store-events.sql';

/** Whoever changes what a patch is written for changes the patch: one that does not apply is a failed test, never a skipped one. */
export const INGEST_MUTANTS: readonly IngestMutant[] = [
  {
    name: 'an acknowledgement before the insert',
    patches: [
      {
        file: SOURCE_LANE,
        search: 'const outcomes = await this.settlement.outcomesOf(inHand, run.deliveries);',
        replace: 'inHand.settle(run); const outcomes = await this.settlement.outcomesOf(inHand, run.deliveries);',
      },
    ],
    scenario: 'a kill before the insert',
    caughtAs: 'confirmed_not_stored',
  },
  {
    name: 'an acknowledgement that covers what another lane has in hand',
    patches: [
      {
        file: IN_HAND,
        search: 'while(this.runs[0]?.settled)last = this.runs.shift().deliveries.at(-1);',
        replace:
          'last = this.runs.findLast(({ settled })=>settled)?.deliveries.at(-1); this.runs = this.runs.filter(({ settled })=>!settled);',
      },
    ],
    scenario: 'a kill while one tenant is stored and another is not',
    caughtAs: 'confirmed_not_stored',
  },
  {
    name: 'no removal of duplicates',
    patches: [
      {
        file: STORE_EVENTS,
        search: 'i.id is null and first_value(e.ord) over same = e.ord as is_new',
        replace: 'true as is_new',
      },
      {
        file: STORE_EVENTS,
        search: 's on s.ord = n.ord ), logged as (',
        replace: 's on s.ord = n.ord on conflict do nothing ), logged as (',
      },
    ],
    scenario: 'a kill after the commit',
    caughtAs: 'stored_twice',
  },
  {
    name: 'a publish before the commit',
    patches: [
      {
        file: 'libs/redis/src/event-bus.redis.js',
        search: 'commands.watch(',
        replace: `globalThis.publishAtOnce = (results)=>this.publish(results.filter(({ outcome })=>outcome === 'stored')
          .map(({ event })=>({ tenant_id: event.entry.tenant_id, ...(0, _contracts.hintOf)(event) }))); commands.watch(`,
      },
      {
        file: EVENT_LOG,
        search: `const rows = await this.database.call('select * from tocsin.store_events`,
        replace: `return this.database.as([], async (manager)=>{ const rows = await ((sql, values)=>manager.query(sql, values))('select * from tocsin.store_events`,
      },
      {
        file: EVENT_LOG,
        search: 'return rows.map((row, index)=>resultOf(planned[index], row));',
        replace:
          'const results = rows.map((row, index)=>resultOf(planned[index], row)); await globalThis.publishAtOnce(results); return results; });',
      },
    ],
    scenario: 'a commit that fails at first',
    caughtAs: 'client_saw_unknown',
  },
  {
    name: 'an outage that is treated as poison',
    patches: [{ file: 'libs/postgres/src/postgres-errors.js', search: `'57': 'wait'`, replace: `'57': 'refuse'` }],
    scenario: 'a session that the server ends in the middle of a statement',
    caughtAs: 'confirmed_not_stored',
  },
];
