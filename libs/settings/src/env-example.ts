import type { z } from 'zod';
import { aboutSetting } from './settings';

/** The settings of each app, by the app's name, as its config.ts reads them. */
export type SettingsByApp = Readonly<Record<string, z.ZodRawShape>>;

interface Described {
  name: string;
  schema: z.ZodType;
  apps: string[];
  /** The apps that do not start without it. */
  requiredBy: string[];
  /** The default of each app, in the order of the apps; undefined where there is none. */
  defaults: (string | undefined)[];
}

/**
 * The text of `.env.example`: every setting once, with its sentence and its default, under the apps that read it. Each
 * line is commented out, so that a copy changes nothing and cannot give one ADMIN_PORT to two apps that run side by
 * side.
 */
export function envExample(settingsByApp: SettingsByApp): string {
  const body = sectionsOf(settingsByApp).map(
    ([heading, settings]) => `# ---- ${heading}\n\n${settings.map(lines).join('\n')}`,
  );
  return `${PREFACE}\n${body.join('\n')}`;
}

/** A setting as documents show it. */
export interface ShownSetting {
  name: string;
  description: string;
  /** Its default, or an example; empty for a secret. */
  value: string;
  /** ` (secret; required)`, or empty. */
  remark: string;
}

/** The settings under the apps that read them: `every app`, or their names. */
export function sectionsOf(settingsByApp: SettingsByApp): [heading: string, settings: ShownSetting[]][] {
  const sections = new Map<string, ShownSetting[]>();
  for (const described of describe(settingsByApp)) {
    const heading =
      described.apps.length === Object.keys(settingsByApp).length ? 'every app' : described.apps.join(', ');
    sections.set(heading, [...(sections.get(heading) ?? []), shown(described)]);
  }
  return [...sections];
}

const PREFACE = `# Every setting with its unit and its default. Copy this file to .env and uncomment what you change; the environment
# itself wins over .env. An empty value, or one of blanks alone, is unset. Times may carry a unit: 500ms, 15s, 2m, 1h.
# Each secret can be read from a file: <NAME>_FILE=/run/secrets/name.
# Written by \`npm run settings\` from the code that reads the settings: change it there.
`;

function describe(settingsByApp: SettingsByApp): Described[] {
  const all = new Map<string, Described>();
  for (const [app, shape] of Object.entries(settingsByApp)) {
    for (const [name, schema] of Object.entries(shape) as [string, z.ZodType][]) {
      const described = all.get(name) ?? { name, schema, apps: [], requiredBy: [], defaults: [] };
      described.apps.push(app);
      if (!schema.safeParse(undefined).success) described.requiredBy.push(app);
      described.defaults.push(defaultOf(schema));
      all.set(name, described);
    }
  }
  return [...all.values()];
}

function shown({ name, schema, apps, requiredBy, defaults }: Described): ShownSetting {
  const { description, secret, example } = aboutSetting(schema);
  const remarks = [
    secret && 'secret',
    requiredBy.length > 0 && (requiredBy.length === apps.length ? 'required' : `required by ${requiredBy.join(', ')}`),
    new Set(defaults).size > 1 && `default: ${apps.map((app, at) => `${app} ${defaults[at] ?? 'none'}`).join(', ')}`,
  ].filter(Boolean);
  const remark = remarks.length > 0 ? ` (${remarks.join('; ')})` : '';
  return { name, description, value: defaults[0] || (secret ? '' : (example ?? '')), remark };
}

const lines = ({ name, description, value, remark }: ShownSetting): string =>
  `${wrap(`${description}${remark}`)}\n#${name}=${value}\n`;

/** The default of a setting, as it would be written; undefined for a list or an object, which has no such form. */
function defaultOf(schema: z.ZodType): string | undefined {
  const { success, data } = schema.safeParse(undefined);
  if (!success || data === undefined) return undefined;
  if (typeof data === 'boolean') return data ? 'on' : 'off';
  if (Array.isArray(data)) return data.join(',');
  return ['string', 'number'].includes(typeof data) ? String(data) : undefined;
}

const LINE_LENGTH = 120;

/** Wraps a text into comment lines of at most LINE_LENGTH characters. */
function wrap(text: string): string {
  const wrapped = ['#'];
  for (const word of text.split(/\s+/)) {
    if (`${wrapped.at(-1)} ${word}`.length > LINE_LENGTH) wrapped.push('#');
    wrapped.push(`${wrapped.pop()} ${word}`);
  }
  return wrapped.join('\n');
}
