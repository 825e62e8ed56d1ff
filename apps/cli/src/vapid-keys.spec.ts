import { pushSettings } from '@tocsin/phones';
import { readSettings } from '@tocsin/settings';
import { runCli } from './run-cli';

async function printed(...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  const code = await runCli(['vapid-keys', ...args], {
    calling: 'npm',
    environment: {},
    stdin: (async function* () {})(),
    out: (line) => void lines.push(line),
    err: () => undefined,
    colours: false,
    interrupted: () => new AbortController().signal,
  });
  expect(code).toBe(0);
  return lines;
}

it('prints keys that the settings take, and others each time', async () => {
  const [one, two] = [await printed(), await printed()];
  expect(one).not.toEqual(two);
  const settings = Object.fromEntries(one.map((line) => line.split('=') as [string, string]));
  expect(readSettings(pushSettings, settings)).toMatchObject(settings);
});

it('prints them as one JSON value with --json', async () => {
  const lines = await printed('--json');
  expect(lines).toHaveLength(1);
  const settings = JSON.parse(lines[0]!) as Record<string, string>;
  expect(Object.keys(settings)).toEqual(['VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY']);
  expect(readSettings(pushSettings, settings)).toMatchObject(settings);
});
