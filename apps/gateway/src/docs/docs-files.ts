import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PLAIN_CSS, TRY_IT } from './try-it';

export interface DocsFile {
  type: string;
  bytes: Buffer;
}

/** Of swagger-ui-dist, what its page asks for. */
const OF_SWAGGER_UI: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const OWN: ReadonlyMap<string, DocsFile> = new Map([
  ['try-it.js', { type: 'text/javascript; charset=utf-8', bytes: Buffer.from(TRY_IT) }],
  ['plain.css', { type: 'text/css; charset=utf-8', bytes: Buffer.from(PLAIN_CSS) }],
]);

/** What the pages of the documents are made of, by name. Nothing else can be asked for, and each is read once, when somebody does. */
export class DocsFiles {
  private readonly files = new Map(OWN);

  /** Undefined when there is none of that name. */
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
