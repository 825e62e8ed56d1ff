import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the build of the page leaves the guide. */
const FOLDER = join(__dirname, '../../../dashboard/guide');

/** The pages of the guide, read once, at the first request: no address reaches the file system. */
export class GuidePages {
  private pages: ReadonlyMap<string, string> | undefined;

  constructor(private readonly folder = FOLDER) {}

  /** The HTML of a page; undefined when there is none, or when the gateway was built without the page. */
  find(name: string): string | undefined {
    this.pages ??= this.read();
    return this.pages.get(name);
  }

  private read(): ReadonlyMap<string, string> {
    if (!existsSync(this.folder)) return new Map();
    const files = readdirSync(this.folder).filter((file) => file.endsWith('.html'));
    return new Map(
      files.map((file) => [file.slice(0, -'.html'.length), readFileSync(join(this.folder, file), 'utf8')]),
    );
  }
}
