import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { framed } from './page-frame';

/** Where the build of the page leaves the guide. */
export const GUIDE_FOLDER = join(__dirname, '../../../dashboard/guide');

/** The pages of the guide, read once, at the first request: no address reaches the file system. */
export class GuidePages {
  private pages: ReadonlyMap<string, string> | undefined;

  constructor(private readonly folder = GUIDE_FOLDER) {}

  /** The HTML of a page; undefined when there is none, or when the gateway was built without the page. */
  find(name: string): string | undefined {
    this.pages ??= this.read();
    return this.pages.get(name);
  }

  private read(): ReadonlyMap<string, string> {
    const file = join(this.folder, 'pages.json');
    if (!existsSync(file)) return new Map();
    const pages = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { title: string; body: string }>;
    return new Map(
      Object.entries(pages).map(([name, { title, body }]) => [name, framed({ title, at: '/docs/guide', body })]),
    );
  }
}
