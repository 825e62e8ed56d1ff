import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { belowBasePath } from '../http/base-path';

/** Media types of the built files by file extension. Any other file is not served. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.woff2': 'font/woff2',
};
/** Encodings in which the build has written each file, the smaller first. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

export interface PageFile {
  type: string;
  /** The contents by encoding; `identity` is always there. */
  bytes: ReadonlyMap<string, Buffer>;
}

/**
 * The built page, about a megabyte. It is read once and served from memory, so no request reaches the file system.
 * Names under `assets/` have a hash of the file's contents.
 */
export class PageFiles {
  private constructor(private readonly files: ReadonlyMap<string, PageFile>) {}

  /** Reads the page from a folder. Undefined when the page was not built. */
  static read(folder: string): PageFiles | undefined {
    if (!existsSync(join(folder, 'index.html'))) return undefined;
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
    return new PageFiles(
      new Map(names.flatMap((name) => (TYPES[extname(name)] ? [[name, readPageFile(folder, name)] as const] : []))),
    );
  }

  get index(): PageFile {
    return this.files.get('index.html')!;
  }

  /**
   * The same page with one more `<meta>` element, which its scripts read by its name. `content` must not contain
   * quotes.
   */
  withMeta(name: string, content: string): PageFiles {
    return this.withIndex((html) =>
      html.replace('</head>', () => `  <meta name="${name}" content="${content}" />\n  </head>`),
    );
  }

  /** The same page below a base path: there it finds its files, and its scripts read the path by this name. */
  below(base: string): PageFiles {
    return base ? this.withIndex((html) => belowBasePath(html, base)).withMeta('tocsin-base-path', base) : this;
  }

  private withIndex(change: (html: string) => string): PageFiles {
    const html = Buffer.from(change(this.index.bytes.get('identity')!.toString()));
    const bytes = new Map([
      ['br', brotliCompressSync(html)],
      ['gzip', gzipSync(html)],
      ['identity', html],
    ]);
    return new PageFiles(new Map([...this.files, ['index.html', { ...this.index, bytes }]]));
  }

  /** The script that shows alerts while the page is closed; undefined in a page that was built without it. */
  get pushWorker(): PageFile | undefined {
    return this.files.get('push-worker.js');
  }

  asset(name: string): PageFile | undefined {
    return this.files.get(`assets/${name}`);
  }
}

function readPageFile(folder: string, name: string): PageFile {
  const bytes = new Map<string, Buffer>();
  for (const [encoding, ending] of ENCODINGS) {
    const path = join(folder, name + ending);
    if (existsSync(path)) bytes.set(encoding, readFileSync(path));
  }
  return { type: TYPES[extname(name)]!, bytes: bytes.set('identity', readFileSync(join(folder, name))) };
}

/**
 * The first available encoding that the client accepts. `;q=0` refuses one; other weights are ignored, since no browser
 * uses them.
 */
export function chooseEncoding({ bytes }: PageFile, accepted: string | undefined): string {
  const wanted = new Set(
    (accepted ?? '')
      .toLowerCase()
      .split(',')
      .filter((one) => !/;\s*q=0(\.0*)?\s*$/.test(one))
      .map((one) => one.split(';')[0]!.trim()),
  );
  return [...bytes.keys()].find((encoding) => wanted.has(encoding)) ?? 'identity';
}
