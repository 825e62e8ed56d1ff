import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from './manifests/deployed';

const root = join(__dirname, '..');

describe('the image', () => {
  test('the image runs as a user other than root, and the manifests as the same user', () => {
    const [, finalStage] = readText('Dockerfile').split(/^FROM (?:(?! AS ).)*$/m);
    expect(finalStage).toMatch(/^USER 1000:1000$/m);
    expect(finalStage).toMatch(/^HEALTHCHECK /m);
    expect(finalStage).not.toMatch(/\bnpm\b/);
    expect(readText('infrastructure/kubernetes/base/gateway.yaml')).toContain('runAsUser: 1000');
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
