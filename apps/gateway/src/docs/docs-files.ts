import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PLAIN_CSS, TRY_IT } from './try-it';

export interface DocsFile {
  type: string;
  bytes: Buffer;
}

/** The files of swagger-ui-dist that its page loads. */
const OF_SWAGGER_UI: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const OWN: ReadonlyMap<string, DocsFile> = new Map([
  ['try-it.js', { type: 'text/javascript; charset=utf-8', bytes: Buffer.from(TRY_IT) }],
  ['plain.css', { type: 'text/css; charset=utf-8', bytes: Buffer.from(PLAIN_CSS) }],
]);

/**
 * The files of the documentation pages, by name. Only these can be requested; each is read once, at its first request.
 */
export class DocsFiles {
  private readonly files = new Map(OWN);

  /** The file with this name; undefined when there is none. */
  find(name: string): DocsFile | undefined {
    const known = this.files.get(name);
    const type = Object.hasOwn(OF_SWAGGER_UI, name) ? OF_SWAGGER_UI[name] : undefined;
    if (known || !type) return known;
    const folder = dirname(require.resolve('swagger-ui-dist/package.json'));
    const file = { type, bytes: readFileSync(join(folder, name)) };
    this.files.set(name, file);
    return file;
  }
}
