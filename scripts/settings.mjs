// Writes .env.example from the settings of the built apps, and docs/errors.md from the gateway's errors: `npm run
// settings`. Unit tests keep both in step.
import { readdirSync, existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

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
stdout.write(
  `docs/errors.md, .env.example: ${new Set(Object.values(settingsByApp).flatMap(Object.keys)).size} settings of ${apps.join(', ')}\n`,
);
