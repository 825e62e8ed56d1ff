import { eventually } from '@tocsin/contracts/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port';
import { pathOf } from './programs';

const TEMPLATE = join(__dirname, '..', '..', 'infrastructure', 'local', 'nginx-sse.conf');

/** A real nginx with the ingress's directives, in front of one gateway, in a folder of its own. */
export class Nginx {
  stderr = '';
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  /** `edit` changes the configuration. */
  static async before(gateway: string, edit = (configuration: string) => configuration): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-nginx-'));
    const port = await freePort();
    const configuration = readFileSync(TEMPLATE, 'utf8')
      .replaceAll('__LISTEN_PORT__', String(port))
      .replaceAll('__UPSTREAM__', new URL(gateway).host);
    writeFileSync(join(folder, 'nginx.conf'), edit(configuration));
    const child = spawn(pathOf('nginx'), ['-p', folder, '-c', join(folder, 'nginx.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const nginx = new Nginx(`http://127.0.0.1:${port}`, folder, child);
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended: ${nginx.stderr}`);
      await fetch(`${nginx.url}/api/nothing`);
    });
    return nginx;
  }

  async close(): Promise<void> {
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
