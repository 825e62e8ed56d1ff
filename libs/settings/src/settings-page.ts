import { sectionsOf, type SettingsByApp } from './env-example';

const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ').replace(/</g, '&lt;');

/**
 * `docs/configure.md`, which `npm run settings` writes and a test compares: every setting under the apps that read it.
 */
export function settingsPage(settingsByApp: SettingsByApp): string {
  const tables = sectionsOf(settingsByApp).map(([apps, settings]) => {
    const rows = settings.map(
      ({ name, value, remark, description }) =>
        `| \`${name}\` | ${value ? `\`${value}\`` : ''} | ${cell(`${description}${remark}`)} |`,
    );
    const heading = `## ${apps.charAt(0).toUpperCase()}${apps.slice(1)}`;
    return `${heading}\n\n| setting | default or example | |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${PREFACE}\n${tables.join('\n')}`;
}

const PREFACE = `# Configure

Tocsin is configured by environment variables alone. Each process reads them once, at its start, and refuses to start when one is wrong: it names every
problem at once, shows what was given unless it is a secret, and ends with exit code 78. A variable whose name is nearly that of a setting is
reported with the name that was probably meant.

- A file \`.env\` in the working directory is read too. The environment has precedence.
- An empty value, or one of blanks alone, is an unset one.
- Times may carry a unit: \`500ms\`, \`15s\`, \`2m\`, \`1h\`.
- Each secret can be read from a file: \`<NAME>_FILE=/run/secrets/name\`.

The same list is in [.env.example](../.env.example), to copy. Both are made from the code by \`npm run settings\`, so they say what this version reads. A heading
names the apps that read the settings below it.
`;
