import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import type { StoredRow } from '../../kit/ledger';
import { tokenFor } from '../../kit/tokens';
import { compiled } from '../built-copy';
import { digestOf, type CrowdReport, type Member, type Order } from './crowd-messages';

export interface CrowdOptions {
  /** Each member follows one tenant. */
  members: readonly { user: string; tenant: string }[];
  /** The addresses of event streams. Each connection attempt uses the next one. */
  urls: readonly string[];
  /** Default 300. */
  connectsPerSecond?: number;
  /** The network namespace of the members. Default: this process's. */
  namespace?: string;
  /** The file of a certificate to trust, for https addresses. */
  caFile?: string;
}

const REPORT_TIMEOUT_MS = 20_000;

/** Thousands of clients in one process of their own, which reconnect as browsers do. `close` ends it. */
export class Crowd {
  private readonly folder: string;
  private readonly child: ChildProcess;
  private reports = 0;

  private constructor(
    private readonly size: number,
    namespace: string | undefined,
    caFile: string | undefined,
  ) {
    this.folder = mkdtempSync(join(tmpdir(), 'tocsin-crowd-'));
    for (const file of ['crowd-process', 'crowd-messages'])
      writeFileSync(join(this.folder, `${file}.js`), compiled(join(__dirname, `${file}.ts`)));
    const program =
      namespace === undefined
        ? { execArgv: [] }
        : { execPath: 'ip', execArgv: ['netns', 'exec', namespace, process.execPath] };
    this.child = fork(join(this.folder, 'crowd-process.js'), {
      serialization: 'advanced',
      env: { ...process.env, ...(caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: caFile }) },
      ...program,
    });
  }

  /** Resolves once all members are connected. */
  static async open({ members, urls, connectsPerSecond = 300, namespace, caFile }: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd(members.length, namespace, caFile);
    crowd.order({
      kind: 'open',
      members: members.map((member): Member => ({ ...member, token: tokenFor(member.user) })),
      urls,
      connectsPerSecond,
    });
    await crowd.allConnected(30_000 + (members.length / connectsPerSecond) * 2_000);
    return crowd;
  }

  order(order: Order): void {
    this.child.send(order);
  }

  /** Stops the whole process without closing a connection: the clients read nothing. */
  freeze(): void {
    process.kill(this.child.pid!, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.child.pid!, 'SIGCONT');
  }

  report(): Promise<CrowdReport> {
    const id = ++this.reports;
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`The crowd did not report within ${REPORT_TIMEOUT_MS} ms.`)),
        REPORT_TIMEOUT_MS,
      );
      const take = (answer: { id: number; report: CrowdReport }) => {
        if (answer.id !== id) return;
        clearTimeout(late);
        this.child.off('message', take);
        resolve(answer.report);
      };
      this.child.on('message', take);
      this.order({ kind: 'report', id });
    });
  }

  async allConnected(timeoutMs = 30_000): Promise<void> {
    await this.until(({ runs, attempts }) => {
      const connected = runs.filter((run) => run.connected).length;
      if (connected < this.size)
        throw new Error(`${connected} of ${this.size} are connected; attempts: ${JSON.stringify(attempts)}`);
    }, timeoutMs);
  }

  /** Resolves once all members are connected and at the head, or after the timeout: the verdict says who is not. */
  async caughtUp(rows: readonly StoredRow[], timeoutMs = 30_000): Promise<void> {
    const heads = headsOf(rows);
    await this.until(({ runs }) => {
      if (runs.some(({ tenant, to, connected }) => !connected || to < (heads.get(tenant) ?? 0)))
        throw new Error('not yet');
    }, timeoutMs).catch(() => undefined);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await closed;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async until(check: (report: CrowdReport) => void, timeoutMs: number): Promise<void> {
    await eventually(async () => {
      // a report about thousands of members costs the crowd time
      await sleep(100);
      check(await this.report());
    }, timeoutMs);
  }
}

const headsOf = (rows: readonly StoredRow[]): Map<string, number> => {
  const heads = new Map<string, number>();
  for (const { tenant_id, seq } of rows) heads.set(tenant_id, Math.max(seq, heads.get(tenant_id) ?? 0));
  return heads;
};

/** Compares a crowd's report with the event log, in the words of the ledger. An empty list means a good run. */
export function brokenInCrowd({ runs, broken }: CrowdReport, rows: readonly StoredRow[]): string[] {
  const heads = headsOf(rows);
  /** The sum over the positions up to a number. */
  const sums = new Map<string, number[]>();
  for (const { tenant_id, epoch, seq, fp } of [...rows].sort((a, b) => a.seq - b.seq)) {
    const sum = sums.get(tenant_id) ?? [0];
    sum.push((sum.at(-1)! + digestOf(`${epoch}-${seq}-${fp}`)) >>> 0);
    sums.set(tenant_id, sum);
  }
  const found = [...broken];
  for (const { user, tenant, from, to, digest, connected } of runs) {
    const head = heads.get(tenant) ?? 0;
    const sum = sums.get(tenant) ?? [0];
    if (!connected || to < head)
      found.push(`client_not_at_head: ${user} ${tenant} ${to} of ${head}${connected ? '' : ', and not connected'}`);
    else if (to > head || digest !== (sum[to]! - sum[from]!) >>> 0)
      found.push(`client_saw_unknown: ${user} ${tenant} ${from} to ${to} is not what the log has`);
  }
  return found;
}
