import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { asOwner } from '@tocsin/postgres/testing';
import { commandsOf, runCommands, textOf } from './kit/document-commands';
import { ask } from './kit/http';
import { Stack } from './kit/stack';
import { JWT_SECRET } from './kit/tokens';

const ROOT = join(__dirname, '..');
/**
 * The documents whose commands are run here, those that need the first user before the one that removes it in the end.
 * Each of the others with commands has a test of its own.
 */
const GUIDE = ['install', 'operate', 'upgrade', 'embed', 'tenants-and-tokens'];
/** How a document says in place that a command cannot be run by a test. */
const NOT_RUN = /not\s+run\s+by\s+our\s+tests/i;

jest.setTimeout(120_000);

describe('the guide', () => {
  let stack: Stack;
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-guide-'));
  const suffix = randomBytes(4).toString('hex');
  beforeAll(async () => {
    stack = await Stack.open({
      gatewayEnvironment: { TENANT_SERVICE_URL: '', TENANT_SERVICE_TOKEN: '', CORS_ORIGINS: 'http://localhost:3000' },
    });
  });
  afterAll(async () => {
    const server = { url: process.env.DATABASE_URL! };
    for (const name of ['guide', 'restored'])
      await asOwner(server, `drop database if exists tocsin_${name}_${suffix} with (force)`);
    await asOwner(server, `drop role if exists tocsin_guide_${suffix}_gateway`);
    rmSync(folder, { recursive: true, force: true });
    await stack?.close();
  });

  /** The commands with the addresses and names of this test in place of the document's. */
  const here = (commands: string) =>
    commands
      .replaceAll('http://localhost:8000', stack.gateway.url)
      .replaceAll('http://localhost:9090', stack.gateway.adminUrl)
      .replaceAll(/tocsin_(guide|restored)/g, `tocsin_$1_${suffix}`)
      .replaceAll('/tmp', folder)
      .replaceAll('tocsin.dump', join(folder, 'tocsin.dump'));

  const run = (commands: string) =>
    runCommands(here(commands), { DATABASE_URL: stack.database.url, JWT_SECRET, TOCSIN_URL: stack.gateway.url });

  it.each(GUIDE)('docs/%s.md: each command ends well, or the document says that it is not run', async (name) => {
    const blocks = commandsOf(name);
    expect(blocks).toHaveLength(textOf(name).split('```sh').length - 1);
    const toRun = blocks.filter(({ before }) => !NOT_RUN.test(before));
    expect(toRun.length).toBeGreaterThan(0);
    for (const { commands } of toRun) await run(commands);
  });

  it('leaves what its commands say: a first user with a first alert, and a restored database', async () => {
    expect(await stack.sql("select 1 from tocsin.tenant_membership where user_id = 'ana@example.test'")).toEqual([]);
    await stack.stored(1);
    expect(await stack.sql('select title from tocsin.event')).toEqual([{ title: 'Flour is low' }]);
    const restored = new URL(stack.database.url);
    restored.pathname = `/tocsin_restored_${suffix}`;
    expect(await asOwner({ url: restored.toString() }, 'select count(*)::int as events from tocsin.event')).toEqual([
      { events: 1 },
    ]);
  });

  it('is served with every link in it, and loads no script but the one for the theme', async () => {
    const pages = new Map<string, string>();
    const toRead = ['/docs/guide'];
    for (let path = toRead.pop(); path !== undefined; path = toRead.pop()) {
      if (pages.has(path)) continue;
      const { status, text, headers } = await ask(stack.gateway.url, path);
      expect([path, status, headers['content-type']]).toEqual([path, 200, 'text/html; charset=utf-8']);
      expect(text.match(/<script[^>]*>|javascript:/gi)).toEqual(['<script src="/docs/assets/theme.js">']);
      pages.set(path, text);
      toRead.push(...[...text.matchAll(/href="(\/docs\/guide[^"#]*)/g)].map(([, href]) => href!));
    }
    const documents = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md')).length;
    expect(pages.size).toBe(documents + 2); // README and SECURITY
    for (const [path, text] of pages)
      for (const [, target, hash] of text.matchAll(/href="(\/docs\/guide[^"#]*)?#([^"]+)"/g))
        expect([path, hash, pages.get(target ?? path)]).toEqual([path, hash, expect.stringContaining(`id="${hash!}"`)]);
  });

  it('has no other page, and refuses what is no name', async () => {
    for (const name of ['nothing', '..%2F..%2Fpackage', 'constructor'])
      expect((await ask(stack.gateway.url, `/docs/guide/${name}`)).json.code).toBe('not_found');
  });
});
