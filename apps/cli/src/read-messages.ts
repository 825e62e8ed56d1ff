import { createReadStream } from 'node:fs';
import { parseExactly } from '@tocsin/messages';

/** More than that is no file of alerts. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** A file that cannot be used. The message is one sentence. */
class UnusableFile extends Error {}

/** The messages of a JSON file, one or a list; `-` is stdin. Whether each is valid is not looked at. Throws with a sentence. */
export async function readMessages(file: string, stdin: AsyncIterable<Uint8Array>): Promise<unknown[]> {
  const name = file === '-' ? 'stdin' : file;
  const text = await readText(name, file === '-' ? stdin : createReadStream(file));
  let value: unknown;
  try {
    value = parseExactly(text);
  } catch {
    throw new UnusableFile(`${name} is not JSON.`);
  }
  const messages: unknown[] = Array.isArray(value) ? value : [value];
  if (messages.length === 0) throw new UnusableFile(`${name} holds no message.`);
  return messages;
}

async function readText(name: string, source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > MAX_FILE_BYTES) throw new UnusableFile(`${name} is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB.`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof UnusableFile) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UnusableFile(code === 'ENOENT' ? `there is no file ${name}.` : `${name} cannot be read (${code}).`);
  }
  return Buffer.concat(chunks).toString();
}
