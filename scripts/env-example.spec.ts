import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { envExample, type SettingsByApp } from '../libs/settings/src/env-example';
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

test('every setting explains itself', () => {
  const silent = Object.values(settingsByApp).flatMap((shape) =>
    Object.entries(shape)
      .filter(([, schema]) => aboutSetting(schema as z.ZodType).description.length < 10)
      .map(([name]) => name),
  );
  expect(silent).toEqual([]);
});

test('no setting of one app looks like a misspelt one of another: all may stand in one .env', () => {
  const every = Object.values(settingsByApp).flatMap((shape) => Object.keys(shape));
  const environment = Object.fromEntries(every.map((name) => [name, 'set']));
  const mistaken = Object.values(settingsByApp).flatMap((shape) => misspeltSettings(Object.keys(shape), environment));
  expect(mistaken).toEqual([]);
});
