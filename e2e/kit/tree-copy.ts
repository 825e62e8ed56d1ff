import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { patched, type Patch } from '../faults/built-copy';

const ROOT = join(__dirname, '..', '..');
/** What compiling and testing need, whatever is copied beside them. */
const ALWAYS = ['libs', 'tsconfig.json', 'jest.config.cjs', 'package.json', 'scripts/slow-first.cjs', 'scripts/test'];

/** A file that is new. */
export interface NewFile {
  file: string;
  text: string;
}
export type Step = Patch | NewFile;

/** A copy of the sources without their specs, in which the steps of a recipe are taken. `remove` deletes it. */
export class TreeCopy {
  private readonly folder: string;

  /** Throws `PatchDoesNotApply` when a step does not fit the code. */
  constructor(name: string, { folders, steps }: { folders: readonly string[]; steps: readonly Step[] }) {
    mkdirSync(join(ROOT, '.tocsin'), { recursive: true });
    this.folder = mkdtempSync(join(ROOT, '.tocsin', `${name}-`));
    for (const one of [...ALWAYS, ...folders])
      cpSync(join(ROOT, one), join(this.folder, one), {
        recursive: true,
        filter: (path) => !/\.spec\.tsx?$/.test(path),
      });
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
    for (const step of steps)
      this.write(
        step.file,
        'text' in step ? step.text : patched(readFileSync(join(this.folder, step.file), 'utf8'), step),
      );
  }

  write(file: string, text: string): void {
    const at = join(this.folder, file);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
  }

  /** Compiles these files, and whatever they import. Throws with all that the compiler reports. */
  compile(files: readonly string[]): void {
    const config = {
      extends: './tsconfig.json',
      files,
      include: [],
      compilerOptions: { noEmit: true, types: ['node', 'jest'] },
    };
    this.write('tsconfig.recipe.json', JSON.stringify(config));
    this.run('typescript-7/bin/tsc', ['-p', 'tsconfig.recipe.json']);
  }

  /** Runs these specs of the copy. Throws with all that Jest reports. */
  test(specs: readonly string[], env: NodeJS.ProcessEnv = {}): void {
    const paths = specs.map((spec) => join(this.folder, spec));
    const config = join(this.folder, 'jest.config.cjs');
    this.run('jest/bin/jest.js', ['--config', config, '--selectProjects=unit', '--runTestsByPath', ...paths], env);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private run(program: string, args: string[], env: NodeJS.ProcessEnv = {}): void {
    const options: ExecFileSyncOptions = { cwd: this.folder, stdio: 'pipe', env: { ...process.env, ...env } };
    try {
      execFileSync(process.execPath, [join(ROOT, 'node_modules', ...program.split('/')), ...args], options);
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
      throw new Error(`${program}:\n${String(stdout)}${String(stderr)}`, { cause: error });
    }
  }
}

/** The files that a numbered recipe of CONTRIBUTING.md names, one at the begin of each step. */
export function filesOfRecipe(title: string): string[] {
  const [, section = ''] = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8').split(`\n### ${title}\n`);
  return [...section.split('\n#')[0]!.matchAll(/^\d+\. \[?`([^`]+)`/gm)].map(([, file]) => file!);
}
