import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { APPS, readText } from './manifests/deployed';

const root = join(__dirname, '..');

interface Config {
  settings: { ADMIN_PORT: { parse(value: unknown): number } };
}

describe('the image', () => {
  test('the image runs as a user other than root, and the manifests as the same user', () => {
    const [, finalStage] = readText('Dockerfile').split(/^FROM (?:(?! AS ).)*$/m);
    expect(finalStage).toMatch(/^USER 1000:1000$/m);
    expect(finalStage).toMatch(/^HEALTHCHECK /m);
    expect(finalStage).not.toMatch(/\bnpm\b/);
    expect(readText('infrastructure/kubernetes/base/gateway.yaml')).toContain('runAsUser: 1000');
  });

  test('its health check asks the admin port that is set, else the default port of each app', async () => {
    const [, check] = /^ {2}CMD (\["node", "-e", .*\])$/m.exec(readText('Dockerfile'))!;
    const [, , program] = JSON.parse(check!) as string[];
    const configs = Object.keys(APPS).map((app) => import(join(root, 'apps', app, 'src', 'config')) as Promise<Config>);
    const defaults = (await Promise.all(configs)).map(({ settings }) => settings.ADMIN_PORT.parse(undefined)).sort();
    expect(new Set(defaults).size).toBe(3);
    const probe = async (environment: NodeJS.ProcessEnv, listening: number, ok = true) => {
      const asked: number[] = [];
      const fetch = async (url: string) => {
        const port = Number(new URL(url).port);
        asked.push(port);
        expect(new URL(url).pathname).toBe(environment.LIVENESS_PATH ?? '/livez');
        if (port !== listening) throw new Error('refused');
        return { ok };
      };
      const status = await new Promise((exit) => {
        runInNewContext(program!, { fetch, process: { env: environment, exit }, Promise, URL });
      });
      return { status, asked: asked.sort() };
    };
    for (const port of defaults) {
      expect(await probe({}, port)).toEqual({ status: 0, asked: defaults });
      expect(await probe({ ADMIN_PORT: '' }, port, false)).toMatchObject({ status: 1 });
    }
    expect(await probe({}, 1)).toMatchObject({ status: 1 });
    expect(await probe({ ADMIN_PORT: '7000' }, 7000)).toEqual({ status: 0, asked: [7000] });
    expect(await probe({ LIVENESS_PATH: '/alive' }, 9090)).toMatchObject({ status: 0 });
    expect(await probe({ ADMIN_PORT: '7000' }, 9091)).toEqual({ status: 1, asked: [7000] });
  });

  test('the image knows the commit that it was built from, where the build is told', () => {
    const [, finalStage] = readText('Dockerfile').split(/^FROM (?:(?! AS ).)*$/m);
    expect(finalStage).toMatch(/^ARG BUILD_COMMIT=unknown$\s+^ENV BUILD_COMMIT=\$BUILD_COMMIT$/m);
  });

  test.each(['README.md', 'docs/install.md', '.github/workflows/ci.yml'])(
    'every build of the image in %s says the commit',
    (file) => {
      const builds = readText(file).match(/docker build .*/g) ?? [];
      expect(builds.length).toBeGreaterThan(0);
      for (const build of builds)
        expect(build).toMatch(/--build-arg BUILD_COMMIT="?(\$\(git rev-parse HEAD\)|\$\{\{ github\.sha \}\})"? /);
    },
  );

  test("Tilt's live update builds what the development image does: the page when its sources change, before the apps start again", () => {
    const [, built] = /^RUN (node_modules\/\.bin\/nest .*)$/m.exec(readText('Dockerfile'))!;
    const tiltfile = readText('Tiltfile');
    const run = [...tiltfile.matchAll(/^ {8}run\(\s*'cd \/app && ([^']+)'(?:,\s*trigger=\[([^\]]*)\])?,?\s*\)/gm)];
    expect(run.map(([, command]) => command).sort()).toEqual(built!.split(' && ').sort());
    // A gateway reads the page when it starts, and what Nest builds starts it again.
    const [[, page, triggers]] = run as [RegExpExecArray];
    expect(page).toContain('vite build');
    // The parts of libs that scripts/ready.mjs builds the page for.
    const sources = [...readText('scripts/ready.mjs').matchAll(/^ +path\.startsWith\('([^']+)\/'\)/gm)].map(
      ([, path]) => path,
    );
    expect(sources).toContain('apps/dashboard');
    expect([...triggers!.matchAll(/'([^']+)'/g)].map(([, path]) => path)).toEqual(sources);
  });

  test('every file that the image copies is let through by .dockerignore', () => {
    const let_through = readText('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...readText('Dockerfile').matchAll(/^COPY --chown=node:node (.+) \S+$/gm)].flatMap(([, files]) =>
      files!.split(' '),
    );
    expect(copied.length).toBeGreaterThan(0);
    for (const file of copied) {
      expect(let_through).toContain(file);
      expect(existsSync(join(root, file))).toBe(true);
    }
  });
});
