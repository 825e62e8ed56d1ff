import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAlertMessage } from '@tocsin/messages';
import { RECIPE } from '../e2e/a-field-more/recipe';
import { filesOfRecipe, TreeCopy } from '../e2e/kit/tree-copy';

// A field more, in a copy of the tree: how many files it takes, and whether it then comes through everywhere.

const MOST_FILES = 6;
/** A message that does not say the field. */
const MESSAGE = JSON.stringify({
  id: 'm',
  tenant_id: 'bakery',
  service: 'inventory',
  severity: 'high',
  labels: { site: 'north' },
});

const files = [...new Set(RECIPE.map(({ file }) => file))];

/** Runs as a test in the copy, and is none here. */
const FACTS = 'e2e/a-field-more/goes-through.spec.ts';

let copy: TreeCopy;
beforeAll(() => {
  copy = new TreeCopy('a-field-more', { folders: ['apps/gateway'], steps: RECIPE });
  copy.write(FACTS, readFileSync(join(__dirname, '..', FACTS.replace('.spec', '')), 'utf8'));
});
afterAll(() => copy?.remove());

it(`a field more touches at most ${MOST_FILES} production files, and CONTRIBUTING.md lists them`, () => {
  expect(files.length).toBeLessThanOrEqual(MOST_FILES);
  const listed = filesOfRecipe('Adding a field');
  const isMigration = (file: string) => file.startsWith('libs/postgres/src/migrations/');
  expect(listed.filter((file) => !isMigration(file)).sort()).toEqual(files.filter((file) => !isMigration(file)).sort());
  expect(listed.filter(isMigration)).toHaveLength(1);
});

it('these files are all that the compiler asks for', () => {
  copy.compile([
    'libs/contracts/src/index.ts',
    'libs/postgres/src/index.ts',
    'apps/gateway/src/docs/message-schema.ts',
  ]);
}, 120_000);

it('the field then goes through, on the embedded database', () => {
  const parsed = parseAlertMessage(Buffer.from(MESSAGE), {}, 'strict');
  copy.test([FACTS], { MESSAGE, BODY_HASH: parsed.ok ? parsed.body_hash : 'none' });
}, 120_000);
