import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RECIPE } from '../e2e/a-channel-more/recipe';
import { filesOfRecipe, TreeCopy } from '../e2e/kit/tree-copy';

// A delivery channel more, in a copy of the tree: which files it takes, and whether a message then goes through it.

const NAME = 'pagerduty';
/** Files that hold no code: the line of the changelog. `npm run settings` writes `.env.example`. */
const WORDS = ['CHANGELOG.md'];

const files = [...new Set(RECIPE.map(({ file }) => file))];
const CONTRACT = files.find((file) => file.endsWith('.spec.ts'))!;

/** Runs as a test in the copy: like the channel, it compiles only there. */
const FACTS = 'e2e/a-channel-more/goes-through.spec.ts';

let copy: TreeCopy;
beforeAll(() => {
  copy = new TreeCopy('a-channel-more', {
    folders: ['apps/alert-processor', 'apps/gateway', 'apps/notifier'],
    steps: RECIPE,
  });
  copy.write(FACTS, readFileSync(join(__dirname, '..', FACTS.replace(/ts$/, 'txt')), 'utf8'));
});
afterAll(() => copy?.remove());

it('a channel more touches the files that CONTRIBUTING.md lists, and no other', () => {
  const listed = filesOfRecipe('Adding a delivery channel').map((file) => file.replace('<name>', NAME));
  expect([...files, ...WORDS].sort()).toEqual(listed.sort());
});

it('these files are all that the compiler asks for', () => {
  const apps = ['alert-processor', 'gateway', 'notifier'].map((app) => `apps/${app}/src/main.ts`);
  copy.compile([...apps, CONTRACT, FACTS]);
}, 120_000);

it('the channel keeps its contract, and a message goes through it to its provider', () => {
  copy.test([CONTRACT, FACTS]);
}, 120_000);
