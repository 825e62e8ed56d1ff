import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limitMs, SIZE_NOTE, WHOLE } from '../faults/size';
import { describeWith } from '../kit/programs';
import { brokenSources, PageCopy } from './page-copy';
import { PAGE_MUTANTS } from './page-mutants';

const ROOT = join(__dirname, '..', '..');

interface Report {
  numRuntimeErrorTestSuites: number;
  testResults: { assertionResults: { status: string; title: string; failureMessages: string[] }[] }[];
}

/** Runs the tests of a file whose names begin with `test` against the page in a folder. Returns how each ended. */
async function run(
  [file, test]: readonly [string, string],
  pageBuild: string,
): Promise<{ title: string; status: string; why: string }[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-mutant-'));
  const report = join(folder, 'report.json');
  // at the small size, which a whole file does not have
  const environment = { ...process.env, TOCSIN_FAULTS: file.includes('.whole.') ? 'full' : '' };
  try {
    const jest = [
      join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js'),
      '--selectProjects=e2e',
      '--runInBand',
      '--json',
      `--outputFile=${report}`,
      '--testPathPatterns',
      `e2e/browser/${file}`,
      '--testNamePattern',
      ` ${test}`,
    ];
    await new Promise<void>((resolve) =>
      execFile(
        process.execPath,
        jest,
        { cwd: ROOT, env: { ...environment, PAGE_BUILD: pageBuild }, timeout: 180_000 },
        () => resolve(),
      ),
    );
    if (!existsSync(report)) throw new Error(`${file} did not end.`);
    const { numRuntimeErrorTestSuites, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    if (numRuntimeErrorTestSuites > 0) throw new Error(`${file} could not be loaded.`);
    return testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status !== 'pending')
      .map(({ title, status, failureMessages }) => ({ title, status, why: failureMessages.join('\n') }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describeWith('chromium', 'a page with', () => {
  // the short run only checks that each patch still applies and that the test exists
  it.each(PAGE_MUTANTS)(
    WHOLE ? '$name is caught' : `$name can be tried${SIZE_NOTE}`,
    async ({ patches, caughtBy }) => {
      const [file, test] = caughtBy;
      const spec = readdirSync(__dirname).filter((name) => name.startsWith(file) && name.endsWith('.e2e.spec.ts'));
      expect(spec).toHaveLength(1);
      expect(readFileSync(join(__dirname, spec[0]!), 'utf8')).toMatch(new RegExp(`it\\(\\s*['"\`]${test}`));
      if (!WHOLE) return void expect(Object.keys(brokenSources(patches))).not.toEqual([]);
      const broken = await PageCopy.build(patches);
      try {
        const outcomes = await run([spec[0]!, test], broken.folder);
        // the test itself must fail: a stack that does not open does not count
        expect(outcomes.map(({ status }) => status)).toEqual(['failed']);
        expect(outcomes[0]!.why).not.toMatch(/beforeAll|for a hook|Stack\.open/);
      } finally {
        broken.remove();
      }
    },
    limitMs(60),
  );
});
