import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { envExample, type SettingsByApp } from '../libs/settings/src/env-example';
import { settingsPage } from '../libs/settings/src/settings-page';
import { Metrics, metricsTable } from '@tocsin/observability';
import { aboutSetting, misspeltSettings } from '@tocsin/settings';
import type { z } from 'zod';

const root = join(__dirname, '..');
const apps = readdirSync(join(root, 'apps'))
  .filter((app) => existsSync(join(root, 'apps', app, 'src', 'config.ts')))
  .sort();

let settingsByApp: SettingsByApp;
beforeAll(async () => {
  const read = async (app: string) =>
    [app, ((await import(join(root, 'apps', app, 'src', 'config'))) as { settings: z.ZodRawShape }).settings] as const;
  settingsByApp = Object.fromEntries(await Promise.all(apps.map(read)));
});

test('the servers have their settings in config.ts', () => {
  expect(apps).toEqual(expect.arrayContaining(['alert-processor', 'gateway', 'notifier', 'standalone']));
});

test('.env.example says what the apps read (npm run settings writes it)', () => {
  expect(readFileSync(join(root, '.env.example'), 'utf8')).toBe(envExample(settingsByApp));
});

test('docs/configure.md says what the apps read (npm run settings writes it)', () => {
  expect(readFileSync(join(root, 'docs/configure.md'), 'utf8')).toBe(settingsPage(settingsByApp));
});

test('docs/operate.md has every metric of the registry (npm run settings writes the table)', () => {
  const [, table] = /<!-- metrics -->\n([^]*?)\n<!-- end of metrics -->/.exec(
    readFileSync(join(root, 'docs/operate.md'), 'utf8'),
  )!;
  expect(table).toBe(metricsTable(new Metrics({ version: '', commit: '', tenantLimit: 0 })));
  expect(table).toContain('`tocsin_sse_connections`');
});

test('every setting explains itself', () => {
  const silent = Object.values(settingsByApp).flatMap((shape) =>
    Object.entries(shape)
      .filter(([, schema]) => aboutSetting(schema as z.ZodType).description.length < 10)
      .map(([name]) => name),
  );
  expect(silent).toEqual([]);
});

test('every time takes a unit', () => {
  const takesNone = Object.values(settingsByApp).flatMap((shape) =>
    Object.entries(shape)
      .filter(([name]) => name.endsWith('_MS'))
      .filter(([, schema]) => !['1s', '1m', '1h'].some((time) => (schema as z.ZodType).safeParse(time).success))
      .map(([name]) => name),
  );
  expect(takesNone).toEqual([]);
});

test('no setting of one app looks like a misspelt one of another: all may stand in one .env', () => {
  const every = Object.values(settingsByApp).flatMap((shape) => Object.keys(shape));
  const environment = Object.fromEntries(every.map((name) => [name, 'set']));
  const mistaken = Object.values(settingsByApp).flatMap((shape) => misspeltSettings(Object.keys(shape), environment));
  expect(mistaken).toEqual([]);
});
