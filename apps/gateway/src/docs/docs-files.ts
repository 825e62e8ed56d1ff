import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GUIDE_FOLDER } from './guide-pages';
import { THEME } from './theme';
import { TRY_IT } from './try-it';

export interface DocsFile {
  type: string;
  bytes: Buffer;
}

const TYPES = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
} as const;

const FOLDERS = {
  own: () => join(__dirname, 'assets'),
  swagger: () => dirname(require.resolve('swagger-ui-dist/package.json')),
  /** What the build of the page leaves: its colours, its type and its mark. */
  page: () => GUIDE_FOLDER,
};

const SCRIPTS: ReadonlyMap<string, DocsFile> = new Map([
  ['theme.js', { type: TYPES.js, bytes: Buffer.from(THEME) }],
  ['try-it.js', { type: TYPES.js, bytes: Buffer.from(TRY_IT) }],
]);

/** Every other file that the documentation pages load, and where it is. */
const FILES: Readonly<Record<string, keyof typeof FOLDERS>> = {
  'docs.css': 'own',
  'api.css': 'own',
  'swagger-ui.css': 'swagger',
  'swagger-ui-bundle.js': 'swagger',
  'look.css': 'page',
  'favicon.svg': 'page',
  'inter.woff2': 'page',
  'geist-mono.woff2': 'page',
};

/**
 * The files of the documentation pages, by name. Only these can be requested; each is read once, at its first request.
 * In a gateway that was built without the page, its files are empty: the documents then have the browser's colours.
 */
export class DocsFiles {
  private readonly files = new Map(SCRIPTS);

  /** The file with this name; undefined when there is none. */
  find(name: string): DocsFile | undefined {
    const known = this.files.get(name);
    const folder = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
    if (known || !folder) return known;
    const path = join(FOLDERS[folder](), name);
    const type = TYPES[name.split('.').at(-1) as keyof typeof TYPES];
    const missing = folder === 'page' && !existsSync(path);
    const file = { type, bytes: missing ? Buffer.alloc(0) : readFileSync(path) };
    this.files.set(name, file);
    return file;
  }
}
