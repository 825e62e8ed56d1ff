import { execFileSync } from 'node:child_process';
import { ConfigurationError } from '@tocsin/contracts';

/** Runs what opens a port; when somebody else has it, the start ends with the sentence that says who, and what to type instead. */
export async function explainPortInUse<T>(port: number, setting: 'PORT' | 'ADMIN_PORT', open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const pid = holderOf(port);
    throw new ConfigurationError([`Port ${port} is in use${pid ? ` (pid ${pid})` : ''}. ${setting}=${port + 1} npm start`]);
  }
}

/** Who listens there, where the machine has a program that tells. */
function holderOf(port: number): string | undefined {
  const ask = (program: string, args: string[]) => {
    try {
      return execFileSync(program, args, { encoding: 'utf8', timeout: 1_000, stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      return '';
    }
  };
  return /\d+/.exec(ask('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t']))?.[0] ?? /pid=(\d+)/.exec(ask('ss', ['-ltnpH', `sport = :${port}`]))?.[1];
}
