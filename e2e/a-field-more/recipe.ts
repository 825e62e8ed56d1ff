import type { Patch } from '../faults/built-copy';
import type { Step } from '../kit/tree-copy';

/**
 * "Adding a field" of CONTRIBUTING.md, followed for one: `runbook`, an address that a message names and that its alert
 * keeps. A change of the patched code changes its step too: a step that does not apply fails.
 */
export const RECIPE: readonly Step[] = [
  // 1. what travels
  inFile(
    'libs/contracts/src/wire/alerts.ts',
    'schema_version?: number; }',
    'schema_version?: number;\n  runbook?: string;\n}',
  ),
  inFile(
    'libs/contracts/src/wire/alerts.ts',
    `'schema_version', ] as const satisfies`,
    `'schema_version',\n  'runbook',\n] as const satisfies`,
  ),
  inFile(
    'libs/contracts/src/wire/alerts.ts',
    'metadata: Record<string, unknown>; } /** * The words in',
    'metadata: Record<string, unknown>;\n  runbook: string | null;\n}\n/**\n * The words in',
  ),
  inFile(
    'libs/contracts/src/wire/alerts.ts',
    `'metadata', ] as const satisfies readonly (keyof AlertWords)[]`,
    `'metadata',\n  'runbook',\n] as const satisfies readonly (keyof AlertWords)[]`,
  ),
  inFile(
    'libs/contracts/src/wire/alerts.ts',
    'metadata: words.metadata,',
    'metadata: words.metadata,\n  runbook: words.runbook ?? null,',
  ),
  inFile(
    'libs/contracts/src/wire/alerts.ts',
    'metadata: described.metadata,',
    'metadata: described.metadata,\n  runbook: described.runbook,',
  ),
  // 2. what a producer may say
  inFile(
    'libs/messages/src/alert-message.ts',
    '@Equals(1) schema_version!: 1;',
    '@Equals(1) schema_version!: 1;\n  @IsOptional() @IsString() @MaxCharacters(2000) runbook?: string;',
  ),
  // 3. what the API says of it
  inFile(
    'apps/gateway/src/alerts/alert-schemas.ts',
    `metadata: anything('Other data of the producer.'),`,
    `metadata: anything('Other data of the producer.'),\n  runbook: nullable(text('Where it says what to do.')),`,
  ),
  // 4. where it is kept
  {
    file: 'libs/postgres/src/migrations/9999-runbook.sql',
    text: 'alter table event add column runbook text;\nalter table folded_repeat add column runbook text;\n',
  },
  // 5. how it is stored
  inStoring('trace_id text, span_id text, says', 'trace_id text, span_id text, runbook text, says'),
  inStoring('trace_id text, span_id text)', 'trace_id text, span_id text, runbook text)'),
  inStoring(
    'labels, actions, metadata, trace_id, span_id, rings) select',
    'labels, actions, metadata, trace_id, span_id, rings, runbook) select',
  ),
  inStoring(
    `trace_id, span_id, change = 'raised' from plain`,
    `trace_id, span_id, change = 'raised', runbook from plain`,
  ),
  inStoring(`k.actions::text, k.metadata::text]`, `k.actions::text, k.metadata::text, k.runbook]`),
  inStoring(`coalesce(e.metadata::text, '{}')] as words`, `coalesce(e.metadata::text, '{}'), e.runbook] as words`),
  inStoring(`r.actions::text, r.metadata::text]`, `r.actions::text, r.metadata::text, r.runbook]`),
  inStoring(
    'else k.metadata end as metadata',
    'else k.metadata end as metadata, case when (e.state).carries then (e.state).words[8] else k.runbook end as ' +
      'runbook',
  ),
  inStoring(
    'metadata, assignee, snoozed_until, trace_id, span_id, previous_type, previous_name, previous_labels, rings) select',
    'metadata, assignee, snoozed_until, trace_id, span_id, previous_type, previous_name, previous_labels, ' +
      'rings, runbook) select',
  ),
  inStoring(
    "previous_labels, change in ('raised', 'reopened', 'severity_raised') from numbered",
    "previous_labels, change in ('raised', 'reopened', 'severity_raised'), runbook from numbered",
  ),
  inStoring('labels, actions, metadata, trace_id) select', 'labels, actions, metadata, trace_id, runbook) select'),
  inStoring(
    `labels, actions, metadata, trace_id from final`,
    `labels, actions, metadata, trace_id, runbook from final`,
  ),
  inStoring('trace_id = excluded.trace_id', 'trace_id = excluded.trace_id, runbook = excluded.runbook'),
  inStoring(`'metadata', n.metadata)`, `'metadata', n.metadata, 'runbook', n.runbook)`),
  // 6. how lists show it
  inFile(
    'libs/postgres/src/views/shown-alert.sql',
    `coalesce(e.metadata, '{}') as metadata,`,
    `coalesce(e.metadata, '{}') as metadata, e.runbook,`,
  ),
];

function inFile(file: string, search: string, replace: string): Patch {
  return { file, search, replace };
}

function inStoring(search: string, replace: string): Patch {
  return inFile('libs/postgres/src/functions/store-events.sql', search, replace);
}
