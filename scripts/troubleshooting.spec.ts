import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');
const document = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');

/** The text of all servers, in which a line of a log must stand. */
const sources = ['apps', 'libs']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((at) => join(root, folder, at)),
  )
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.includes('/testing/'))
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

/** What the column of log lines quotes: sentences, not names of metrics, settings or commands. */
const lines = [...document.matchAll(/`([^`]+)`/g)]
  .map(([, quoted]) => quoted!)
  .filter((quoted) => /^[a-zT][\w',-]+( [^ ]+){2,}$/.test(quoted) && !/^(npm|rabbitmqctl) /.test(quoted));

test('every line of the log that the troubleshooting page quotes is one that a process writes', () => {
  expect(lines.length).toBeGreaterThan(12);
  expect(lines.filter((line) => !sources.includes(line))).toEqual([]);
});
