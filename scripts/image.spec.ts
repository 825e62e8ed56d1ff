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
