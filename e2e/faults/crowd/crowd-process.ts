import { get, type ClientRequest, type IncomingMessage } from 'node:http';
import { get as getSecurely } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf, type CrowdReport, type Member, type MemberRun, type Order } from './crowd-messages';

// Many event stream clients in one process, run by `crowd.ts`. Each keeps a few numbers instead of a transcript.

/** How long a client waits if the server set no time. Browsers have about the same default. */
const DEFAULT_RETRY_MS = 3_000;
/** After a refused connection the client tries the next gateway, as behind an ingress. */
const REFUSED_RETRY_MS = 100;
const MAX_BROKEN = 100;
/** How many latencies are kept at most. */
const MAX_SAMPLES = 500_000;

const report: Omit<CrowdReport, 'runs'> = {
  broken: [],
  attempts: {},
  verdicts: {},
  closeReasons: {},
  absencesMs: [],
  answeredMs: [],
  triedAtMs: [],
  endedAtMs: [],
  steadyMs: [],
  returnedMs: [],
};
const clients: CrowdClient[] = [];
let urls: readonly string[] = [];

const count = (counts: Record<string, number>, name: string): void => void (counts[name] = (counts[name] ?? 0) + 1);
const wallMs = (): number => performance.timeOrigin + performance.now();

class CrowdClient {
  readonly run: MemberRun;
  private cursor = '';
  private retryMs = DEFAULT_RETRY_MS;
  private pending = '';
  private begun = false;
  private streams = 0;
  private leftAt: number | undefined;
  private request: ClientRequest | undefined;
  private unansweredSince: number | undefined;

  constructor(
    private readonly member: Member,
    private turn: number,
  ) {
    this.run = { user: member.user, tenant: member.tenant, from: 0, to: 0, digest: 0, connected: false };
  }

  /** Connects again and again: with its cursor, after the time that the server set, to the next gateway. */
  async stay(): Promise<never> {
    for (;;) {
      const came = await this.connect(urls[this.turn++ % urls.length]!);
      if (this.run.connected) {
        this.leftAt = performance.now();
        report.endedAtMs.push(wallMs());
      }
      this.run.connected = false;
      await sleep(came ? this.retryMs : REFUSED_RETRY_MS);
    }
  }

  cut(): void {
    this.request?.destroy();
  }

  /** Resolves at the end of the stream: true when there was a response. */
  private connect(url: string): Promise<boolean> {
    this.pending = '';
    this.unansweredSince = performance.now();
    report.triedAtMs.push(wallMs());
    const headers = {
      Accept: 'text/event-stream',
      Authorization: `Bearer ${this.member.token}`,
      ...(this.cursor ? { 'Last-Event-ID': this.cursor } : {}),
    };
    return new Promise((resolve) => {
      let answered = false;
      const request = (url.startsWith('https:') ? getSecurely : get)(
        url,
        { agent: false, headers },
        (response: IncomingMessage) => {
          answered = true;
          count(report.attempts, String(response.statusCode));
          response.setEncoding('latin1');
          response.on('data', (text: string) => this.take(text));
          response.on('error', () => undefined);
          response.on('close', () => resolve(true));
        },
      );
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (!answered) count(report.attempts, error.code ?? 'error');
        resolve(answered);
      });
      this.request = request;
    });
  }

  private take(text: string): void {
    this.pending += text;
    for (let end = this.pending.indexOf('\n\n'); end >= 0; end = this.pending.indexOf('\n\n')) {
      const block = this.pending.slice(0, end);
      this.pending = this.pending.slice(end + 2);
      this.block(block);
    }
  }

  private block(block: string): void {
    let id: string | undefined;
    let event = '';
    let data = '';
    for (const line of block.split('\n')) {
      if (line.startsWith('id: ')) id = line.slice(4);
      else if (line.startsWith('event: ')) event = line.slice(7);
      else if (line.startsWith('data: ')) data = line.slice(6);
      else if (line.startsWith('retry: ')) this.retryMs = Number(line.slice(7));
    }
    if (this.unansweredSince !== undefined && event) {
      report.answeredMs.push(performance.now() - this.unansweredSince);
      this.unansweredSince = undefined;
    }
    if (event === 'connection') this.onConnection(id!, data);
    else if (event === 'reset') this.breach('told_gap', data);
    else if (event === 'close') count(report.closeReasons, (JSON.parse(data) as { reason: string }).reason);
    else if (data && event !== 'heartbeat') this.onEntry(id!, data);
    if (id !== undefined) this.onId(id, event);
  }

  private onConnection(id: string, data: string): void {
    const { verdict } = JSON.parse(data) as { verdict: string };
    count(report.verdicts, verdict);
    if (!this.begun) {
      this.begun = true;
      this.run.from = this.run.to = seqOf(id);
    } else if (verdict !== 'resumed') this.breach('told_gap', data);
    this.streams += 1;
    this.run.connected = true;
    if (this.leftAt !== undefined) report.absencesMs.push(performance.now() - this.leftAt);
    this.leftAt = undefined;
  }

  private onEntry(id: string, data: string): void {
    // only the first two fields of an entry: parsing all of it for thousands of clients would measure this process
    const match = /^\{"tenant_id":"([^"]+)","seq":(\d+),/.exec(data);
    const seq = Number(match?.[2]);
    const { run } = this;
    if (match?.[1] !== run.tenant) this.breach('client_saw_foreign', `${match?.[1]} ${seq}`);
    else if (seq !== seqOf(id)) this.breach('client_saw_unknown', `${seq} as ${id}`);
    else if (seq <= run.to) return this.breach('client_saw_twice', `${seq} after ${run.to}`);
    else if (seq > run.to + 1) this.breach('client_missed', `${run.to + 1} to ${seq - 1}`);
    run.to = seq;
    run.digest = (run.digest + digestOf(id)) >>> 0;
    const sentAt = /"sent_at":([\d.]+)/.exec(data);
    const samples = this.streams === 1 ? report.steadyMs : report.returnedMs;
    if (sentAt && samples.length < MAX_SAMPLES) samples.push(wallMs() - Number(sentAt[1]));
  }

  private onId(id: string, event: string): void {
    this.cursor = id;
    if (seqOf(id) > this.run.to) this.breach('id_before_entry', `${id} at ${event}, written up to ${this.run.to}`);
  }

  private breach(name: string, detail: string): void {
    if (report.broken.length < MAX_BROKEN)
      report.broken.push(`${name}: ${this.member.user} ${this.member.tenant} ${detail}`);
  }
}

const seqOf = (id: string): number => Number(id.split('-')[1]);

async function open(members: readonly Member[], connectsPerSecond: number): Promise<void> {
  for (const [i, member] of members.entries()) {
    const client = new CrowdClient(member, i);
    clients.push(client);
    void client.stay();
    if (i % 10 === 9) await sleep(10_000 / connectsPerSecond);
  }
}

process.on('message', (order: Order) => {
  if (order.kind === 'open') {
    urls = order.urls;
    void open(order.members, order.connectsPerSecond);
  } else if (order.kind === 'urls') urls = order.urls;
  else if (order.kind === 'mark')
    Object.assign(report, { answeredMs: [], triedAtMs: [], endedAtMs: [], steadyMs: [], returnedMs: [] });
  else if (order.kind === 'cut') for (const client of clients) client.cut();
  else
    process.send!({ id: order.id, report: { ...report, runs: clients.map(({ run }) => run) } satisfies CrowdReport });
});
// the parent process has ended, so the crowd ends too
process.on('disconnect', () => process.exit());
