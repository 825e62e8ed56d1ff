import { transformSync } from '@swc/core';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { App, Program } from '../kit/processes';

const ROOT = join(__dirname, '..', '..');
const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
  compilerOptions: { paths: Record<string, string[]> };
};

/** A change of one place in a built file. */
export interface Patch {
  /** The path below `dist`. */
  file: string;
  /** Text that occurs there exactly once. White space counts as one blank, so that a formatter changes nothing. */
  search: string;
  replace: string;
}

/** A patch does not fit its file: the mutation is no longer the one that its name describes. */
export class PatchDoesNotApply extends Error {
  constructor({ file, search }: Patch, found: number) {
    super(`A patch does not apply: ${found} times in ${file}, expected once:\n${search}`);
    this.name = 'PatchDoesNotApply';
  }
}

/** Applies a patch to a text. Throws `PatchDoesNotApply` unless the text occurs exactly once. */
export function patched(text: string, patch: Patch): string {
  const escaped = patch.search
    .trim()
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(escaped.join('\\s+'), 'g');
  const found = text.match(pattern)?.length ?? 0;
  if (found !== 1) throw new PatchDoesNotApply(patch, found);
  return text.replace(pattern, () => patch.replace);
}

/**
 * A copy of the built apps in a folder of its own, where they can be broken on purpose. It uses the project's packages,
 * and shares the files that it does not change. `remove` deletes it.
 */
export class BuiltCopy {
  private readonly folder = mkdtempSync(join(tmpdir(), 'tocsin-built-'));

  constructor(patches: readonly Patch[] = []) {
    try {
      linkFolder(join(ROOT, 'dist'), join(this.folder, 'dist'));
      copyFileSync(join(ROOT, 'package.json'), join(this.folder, 'package.json'));
      symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
      for (const patch of patches) {
        const file = join(this.folder, 'dist', patch.file);
        const text = patched(readFileSync(file, 'utf8'), patch);
        // a new file: writing into the linked one would break the build itself
        rmSync(file);
        writeFileSync(file, text);
      }
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** An app of the copy. */
  program(app: App): Program & { main: string } {
    return { main: join(this.folder, 'dist', 'apps', app, 'src', 'main.js') };
  }

  /** An app with failpoints around its ports; `crashing-ports.ts` explains their syntax. */
  programWith(app: App, failpoints: string, ...more: string[]): Program {
    for (const source of ['crashing-ports', 'sink-channels']) this.compile(`e2e/faults/${source}`);
    return {
      main: this.compile('e2e/faults/entries/with-failpoints'),
      args: [this.program(app).main, failpoints, ...more],
    };
  }

  /**
   * An app that is started by one of the tests' entries (in `entries`), which makes its change and then imports the
   * app.
   */
  programBy(entry: string, app: App, ...args: string[]): Program {
    return { main: this.compile(`e2e/faults/entries/${entry}`), args: [this.program(app).main, ...args] };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private compile(source: string): string {
    const built = join(this.folder, 'dist', `${source}.js`);
    mkdirSync(dirname(built), { recursive: true });
    writeFileSync(built, compiled(join(ROOT, `${source}.ts`)));
    return built;
  }
}

/**
 * Links every file below a folder, because reading and writing two thousand takes longer than the start of an app. They
 * are copied where another file system holds the temporary files.
 */
export function linkFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      linkFolder(source, target);
      continue;
    }
    try {
      linkSync(source, target);
    } catch {
      copyFileSync(source, target);
    }
  }
}

/**
 * A file of the tests as JavaScript, with imports like those of the built apps. `text`: the content, if it differs from
 * the file.
 */
export function compiled(file: string, text = readFileSync(file, 'utf8')): string {
  const { code } = transformSync(text, {
    filename: file,
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      baseUrl: ROOT,
      paths: compilerOptions.paths,
    },
    sourceMaps: 'inline',
    swcrc: false,
  });
  return code;
}
