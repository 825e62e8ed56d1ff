import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@tocsin/contracts/testing';
import { freePort } from './free-port';
import { pathOf } from './programs';

export interface PostedAlert {
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  startsAt?: Date;
  /** Without `endsAt` the alert ends when it was not posted again for `resolve_timeout`. */
  endsAt?: Date;
}

export interface AlertmanagerOptions {
  /** Lines of the receiver, in YAML. */
  receiver: string;
  /** How soon an alert ends that is not posted again. Default 2 s. */
  resolveTimeout?: string;
  /** How often a firing alert is sent again. Default one hour. */
  repeatInterval?: string;
}

/**
 * A real Alertmanager on loopback, alone (no cluster). It groups by `alertname` and reports changes within a second.
 */
export class Alertmanager {
  output = '';
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  static async start({
    receiver,
    resolveTimeout = '2s',
    repeatInterval = '1h',
  }: AlertmanagerOptions): Promise<Alertmanager> {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-alertmanager-'));
    const configuration = `
global: { resolve_timeout: ${resolveTimeout} }
route: { receiver: tocsin, group_by: [alertname], group_wait: 100ms, group_interval: 500ms, repeat_interval: ${repeatInterval} }
receivers:
  - name: tocsin
${receiver.trim().replace(/^/gm, '    ')}
`;
    writeFileSync(join(folder, 'alertmanager.yml'), configuration);
    const port = await freePort();
    const args = [
      `--config.file=${folder}/alertmanager.yml`,
      `--storage.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ];
    const child = spawn(pathOf('prometheus-alertmanager'), args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
    const alertmanager = new Alertmanager(`http://127.0.0.1:${port}`, folder, child);
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`Alertmanager ended: ${alertmanager.output}`);
      if (!(await fetch(`${alertmanager.url}/-/ready`)).ok) throw new Error('not ready');
    }, 20_000);
    return alertmanager;
  }

  /** Posts alerts, as Prometheus does. */
  async post(...alerts: PostedAlert[]): Promise<void> {
    const answer = await fetch(`${this.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(alerts),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  }

  /** A sample of its metrics, by the beginning of its line; 0 when there is none. */
  async metric(sample: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(sample))
        ?.split(' ')
        .at(-1) ?? 0,
    );
  }

  async close(): Promise<void> {
    const closed = this.child.exitCode === null ? once(this.child, 'close') : undefined;
    this.child.kill('SIGKILL');
    await closed;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A webhook with a service's token. */
export const webhook = (url: string, token: string, more = ''): string =>
  `webhook_configs: [{ url: '${url}', http_config: { authorization: { credentials: '${token}' } }${more && `, ${more}`} }]`;
