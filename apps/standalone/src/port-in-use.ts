import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { ConfigurationError } from '@tocsin/settings';

const HIGHEST_PORT = 65_535;

type Setting = 'PORT' | 'ADMIN_PORT';

/**
 * Runs `work`, which opens a port. When another process has the port, the start ends with a sentence that names that
 * process and says how to type `command` instead. The admin port is opened first, so that a second copy reports both
 * ports at once.
 */
export async function explainPortInUse<T>(
  ports: Readonly<Record<Setting, number>>,
  setting: Setting,
  open: () => Promise<T>,
  command: string,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const taken: Setting[] =
      setting === 'ADMIN_PORT' && !(await isFree(ports.PORT)) ? ['PORT', 'ADMIN_PORT'] : [setting];
    const facts = taken.map((name) => `port ${ports[name]} is in use${holderOf(ports[name])}`).join(', and ');
    const instead: string[] = [];
    for (const name of taken) instead.push(`${name}=${await freePortAfter(ports[name])}`);
    throw new ConfigurationError([`${facts.replace('port', 'Port')}. ${instead.join(' ')} ${command}`]);
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false)).listen(port, () => server.close(() => resolve(true)));
  });

async function freePortAfter(taken: number): Promise<number> {
  let port = taken + 1;
  while (port < HIGHEST_PORT && !(await isFree(port))) port += 1;
  return port;
}

/** The program that listens on the port, where the machine has a command that tells. */
function holderOf(port: number): string {
  const ask = (program: string, args: string[]) => {
    try {
      return execFileSync(program, args, { encoding: 'utf8', timeout: 1_000, stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      return '';
    }
  };
  const pid =
    /\d+/.exec(ask('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t']))?.[0] ??
    /pid=(\d+)/.exec(ask('ss', ['-ltnpH', `sport = :${port}`]))?.[1];
  return pid ? ` (pid ${pid})` : '';
}
