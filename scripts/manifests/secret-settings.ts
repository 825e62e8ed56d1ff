import { join } from 'node:path';
import { aboutSetting } from '@tocsin/settings';
import type { z } from 'zod';

const apps = join(__dirname, '..', '..', 'apps');

/** The names of the settings of an app that are secrets, as its config.ts declares them. */
export async function secretSettings(app: string): Promise<string[]> {
  const { settings } = (await import(join(apps, app, 'src', 'config'))) as { settings: z.ZodRawShape };
  return Object.entries(settings)
    .filter(([, schema]) => aboutSetting(schema as z.ZodType).secret)
    .map(([name]) => name);
}
