import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Channel } from '@tocsin/contracts/wire';

/** How many messages are kept, the newest ones. */
const MOST_KEPT = 1_000;
/** The subfolder for the page's files. The folder itself has only the files that people open. */
const OF_PAGE = '.page';
/** Names sort by time. Only files with such a name are read or deleted, so a request cannot reach another file. */
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

/** A message with its name, but without its content. */
export type ListedMessage = Omit<OutboxMessage, 'text' | 'html'> & { name: string };

/**
 * A folder of messages that are written instead of sent, for trying Tocsin out. Each message has a file that people can
 * open, and one that the page reads. The folder keeps the newest 1,000 messages, and only one process may use it.
 */
export class OutboxFolder {
  private names: Promise<string[]> | undefined;
  private written = 0;

  constructor(
    readonly path: string,
    private readonly mostKept = MOST_KEPT,
  ) {}

  /** Writes a message, and the file for people with the extension `ending`. Deletes the oldest beyond the limit. */
  async write(
    message: OutboxMessage,
    id: string,
    file: { ending: 'eml' | 'txt'; content: Buffer | string },
  ): Promise<void> {
    const names = await this.find();
    const time = message.written_at.replace(/[-:.]/g, '');
    // messages of the same millisecond keep their order
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

  /** The message with this name, or undefined. */
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

  /** Writes the file completely or not at all. Only its owner may read it, because its links are credentials. */
  private async put(path: string, content: Buffer | string): Promise<void> {
    await writeFile(`${path}.part`, content, { mode: 0o600 });
    await rename(`${path}.part`, path);
  }
}
