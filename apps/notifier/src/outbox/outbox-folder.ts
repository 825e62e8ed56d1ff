import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Channel } from '@tocsin/contracts/wire';

/** The most messages that are kept: the newest. */
const MOST_KEPT = 1_000;
/** Where the page's form of each message is, below the folder: the folder itself shows only what people read. */
const OF_PAGE = '.page';
/** Names sort by time. Nothing else is ever read or deleted here, so that no address reaches another file. */
const NAME = /^\d{8}T\d{9}Z-\d{4}-(?:email|sms|whatsapp|webhook|push)-[0-9a-f-]{36}$/;

/** A message as the page shows it. */
export interface OutboxMessage {
  /** ISO 8601. */
  written_at: string;
  channel: Channel;
  tenant_id: string;
  recipient: string;
  subject: string;
  text: string;
  html: string | null;
}

/** A message with its name, without its contents. */
export type ListedMessage = Omit<OutboxMessage, 'text' | 'html'> & { name: string };

/**
 * A folder of messages that nobody has to send: for trying Tocsin out. Each is a file that people can open, and one that
 * the page reads. It keeps the newest 1,000, and is for one process.
 */
export class OutboxFolder {
  private names: Promise<string[]> | undefined;
  private written = 0;

  constructor(
    readonly path: string,
    private readonly mostKept = MOST_KEPT,
  ) {}

  /** Writes a message and the file for people, whose name ends in `ending`. Deletes the oldest beyond the limit. */
  async write(
    message: OutboxMessage,
    id: string,
    file: { ending: 'eml' | 'txt'; content: Buffer | string },
  ): Promise<void> {
    const names = await this.find();
    const time = message.written_at.replace(/[-:.]/g, '');
    // several within a millisecond keep their order
    const place = String((this.written += 1) % 10_000).padStart(4, '0');
    const name = `${time}-${place}-${message.channel}-${id}`;
    if (!NAME.test(name)) throw new Error('A message of the outbox has a time and a UUID.');
    await this.put(join(this.path, `${name}.${file.ending}`), file.content);
    await this.put(join(this.path, OF_PAGE, `${name}.json`), JSON.stringify(message));
    names.push(name);
    while (names.length > this.mostKept) {
      const oldest = names.shift()!;
      const files = [join(OF_PAGE, `${oldest}.json`), `${oldest}.eml`, `${oldest}.txt`];
      await Promise.all(files.map((path) => rm(join(this.path, path), { force: true })));
    }
  }

  /** The newest messages, the newest first. */
  async list(limit: number): Promise<ListedMessage[]> {
    const names = (await this.find()).slice(-limit).reverse();
    const messages = await Promise.all(names.map(async (name) => ({ name, message: await this.read(name) })));
    return messages.flatMap(({ name, message }) => {
      if (!message) return [];
      const { written_at, channel, tenant_id, recipient, subject } = message;
      return [{ name, written_at, channel, tenant_id, recipient, subject }];
    });
  }

  /** One message; undefined when there is none of this name. */
  async read(name: string): Promise<OutboxMessage | undefined> {
    if (!NAME.test(name)) return undefined;
    try {
      return JSON.parse(await readFile(join(this.path, OF_PAGE, `${name}.json`), 'utf8')) as OutboxMessage;
    } catch {
      return undefined;
    }
  }

  private find(): Promise<string[]> {
    this.names ??= mkdir(join(this.path, OF_PAGE), { recursive: true }).then(async () => {
      const files = await readdir(join(this.path, OF_PAGE));
      return files
        .map((file) => file.replace(/\.json$/, ''))
        .filter((name) => NAME.test(name))
        .sort();
    });
    return this.names;
  }

  /** A file is there whole or not at all. Only its owner may read it: links in it are rights. */
  private async put(path: string, content: Buffer | string): Promise<void> {
    await writeFile(`${path}.part`, content, { mode: 0o600 });
    await rename(`${path}.part`, path);
  }
}
