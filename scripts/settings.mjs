// Writes .env.example and docs/configure.md from the settings of the built apps, docs/errors.md from the gateway's
// errors, the table of metrics in docs/operate.md from the registry, and Grafana's dashboards: `npm run settings`. Unit
// tests keep all of them in step.
import { readdirSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { dashboards } from '../infrastructure/grafana/dashboards.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = (path) => join(root, 'dist', path);
const require = createRequire(import.meta.url);

const { envExample } = require(built('libs/settings/src/env-example.js'));
const apps = readdirSync(join(root, 'apps')).filter((app) => existsSync(join(root, 'apps', app, 'src', 'config.ts')));
const settingsByApp = Object.fromEntries(
  apps.sort().map((app) => [app, require(built(`apps/${app}/src/config.js`)).settings]),
);

writeFileSync(join(root, '.env.example'), envExample(settingsByApp));
writeFileSync(join(root, 'docs', 'errors.md'), require(built('apps/gateway/src/docs/errors-page.js')).errorsMarkdown());
writeFileSync(
  join(root, 'docs', 'configure.md'),
  require(built('libs/settings/src/settings-page.js')).settingsPage(settingsByApp),
);
const { Metrics, metricsTable } = require(built('libs/observability/src/index.js'));
const operate = join(root, 'docs', 'operate.md');
writeFileSync(
  operate,
  readFileSync(operate, 'utf8').replace(
    /(<!-- metrics -->\n)[^]*?(\n<!-- end of metrics -->)/,
    (_, begin, end) => begin + metricsTable(new Metrics({ version: '', commit: '', tenantLimit: 0 })) + end,
  ),
);
for (const [name, text] of Object.entries(dashboards()))
  writeFileSync(join(root, 'infrastructure', 'grafana', 'dashboards', name), text);
stdout.write(
  `docs/errors.md, docs/configure.md, docs/operate.md, .env.example: ${new Set(Object.values(settingsByApp).flatMap(Object.keys)).size} settings of ${apps.join(', ')}\n`,
);
