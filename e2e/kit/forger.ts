import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const SCRIPT = `
const { Redis } = require('ioredis');
const [url, topic, bytes, perSecond, seconds, text] = process.argv.slice(1);
const redis = new Redis(url);
const message = Number(bytes) > 0 ? Buffer.alloc(Number(bytes), 'x') : Buffer.from(text, 'base64');
let sent = 0;
const startedAt = Date.now();
const timer = setInterval(() => {
  const elapsed = (Date.now() - startedAt) / 1000;
  const due = Math.min(elapsed, Number(seconds)) * Number(perSecond);
  const burst = redis.pipeline();
  for (; sent < due; sent += 1) burst.publish(topic, message);
  burst.exec();
  if (elapsed >= Number(seconds)) { clearInterval(timer); redis.quit().then(() => console.log(sent)); }
}, 10);
`;

/**
 * Another program that may publish to Redis but has no key. It sends messages as fast as it is told, from a process of
 * its own.
 */
export async function forge(
  url: string,
  topic: string,
  what: { bytes?: number; text?: Buffer; perSecond: number; seconds: number },
): Promise<number> {
  const words = [url, topic, what.bytes ?? 0, what.perSecond, what.seconds, what.text?.toString('base64') ?? ''].map(
    String,
  );
  const child: ChildProcess = spawn(process.execPath, ['-e', SCRIPT, ...words], {
    cwd: join(__dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the forger ended with ${code}`);
  return Number(said);
}
