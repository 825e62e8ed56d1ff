import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { programs as built } from '../../scripts/test/go-modules.json';

/**
 * `describe` for tests that need a program besides Node, or a checkout that can be cloned and installed. When it is
 * missing, `npm test` sets `SKIP_<NAME>` to the reason; the tests are then skipped visibly, with that reason in their
 * name. Run without `npm test` they fail and say what is missing.
 */
export function describeWith(
  program:
    | 'chromium'
    | 'nats-server'
    | 'nginx'
    | 'haproxy'
    | 'caddy'
    | 'pgbouncer'
    | 'go'
    | 'prometheus'
    | 'prometheus-alertmanager'
    | 'peer-clients'
    | 'clone'
    | keyof typeof built,
  name: string,
  tests: () => void,
): void {
  const reason = process.env[`SKIP_${variableOf(program)}`];
  if (reason) describe.skip(`${name} (skipped: ${reason})`, tests);
  else describe(name, tests);
}

const variableOf = (program: string): string => program.toUpperCase().replaceAll('-', '_');

/** Where `npm test` builds a program from its Go module, and else where it is installed. */
const builtOrInstalled = (name: keyof typeof built): string[] => [
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tocsin', `${name}-${built[name].split('@')[1]}`, name),
  ...['/usr/local/bin', '/usr/bin', '/opt/homebrew/bin'].map((folder) => join(folder, name)),
];

const inUsualPlaces = (name: string): string[] =>
  ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'].map((folder) => join(folder, name));

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const PLACES = {
  chromium: CHROMIUM,
  'chromium-headless-shell': ['/usr/bin/chromium-headless-shell', ...CHROMIUM],
  go: ['/usr/local/go/bin/go', '/usr/bin/go', '/opt/homebrew/bin/go'],
  pgbouncer: inUsualPlaces('pgbouncer'),
  'nats-server': inUsualPlaces('nats-server'),
  nginx: inUsualPlaces('nginx'),
  haproxy: inUsualPlaces('haproxy'),
  caddy: inUsualPlaces('caddy'),
  'prometheus-alertmanager': [
    '/usr/bin/prometheus-alertmanager',
    '/usr/local/bin/alertmanager',
    '/opt/homebrew/bin/alertmanager',
  ],
  helm: builtOrInstalled('helm'),
  kubeconform: builtOrInstalled('kubeconform'),
  kustomize: builtOrInstalled('kustomize'),
};

/** Where the program is: `<PROGRAM>_PATH` (`NGINX_PATH`), else one of the usual places. */
export function pathOf(program: keyof typeof PLACES): string {
  const path = process.env[`${variableOf(program)}_PATH`] ?? PLACES[program].find((place) => existsSync(place));
  if (!path) throw new Error(`This test needs ${program}: install it, or set ${variableOf(program)}_PATH.`);
  return path;
}
