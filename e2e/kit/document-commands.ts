import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');
const TIMEOUT_MS = 60_000;

export const textOf = (name: string): string => readFileSync(join(ROOT, 'docs', `${name}.md`), 'utf8');

/** The commands of a document, each with the paragraph before it. */
export const commandsOf = (name: string): { before: string; commands: string }[] =>
  [...textOf(name).matchAll(/((?:(?!```)[^\n]*\n)*?)\n?```sh\n([^]*?)\n```/g)].map(([, before, commands]) => ({
    before:
      before!
        .trim()
        .split(/\n\s*\n/)
        .at(-1) ?? '',
    commands: commands!,
  }));

/** Runs commands in a shell of their own, and returns what they wrote. Rejects with it when one of them fails. */
export async function runCommands(
  commands: string,
  environment: Readonly<Record<string, string>>,
  timeoutMs = TIMEOUT_MS,
): Promise<string> {
  const child = spawn('bash', ['-e', '-c', commands], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
  });
  let output = '';
  for (const from of [child.stdout, child.stderr]) from.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', (exit, signal) => resolve(signal ?? exit)));
  if (code !== 0) throw new Error(`ended with ${String(code)}:\n${commands}\n${output}`);
  return output;
}
