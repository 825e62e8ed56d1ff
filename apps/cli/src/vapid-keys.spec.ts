import { pushSettings } from '@tocsin/phones';
import { readSettings } from '@tocsin/settings';
import { runCli } from './run-cli';

async function printed(): Promise<string[]> {
  const lines: string[] = [];
  const code = await runCli(['vapid-keys'], {
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
