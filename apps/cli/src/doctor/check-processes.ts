import { clockSkew, found, type Checked, type Finding } from './findings';
import { get } from './get';

interface Health {
  status: string;
  ready: boolean;
  not_ready_reason?: string;
  dependencies: Record<string, { status: string }>;
}

/** What one process says of itself on its admin port. */
interface Process {
  build: string;
  /** By queue: whether messages can arrive. */
  consumers: Map<string, boolean>;
  findings: Finding[];
}

/** Asks each process on its admin port, and compares them. */
export async function checkProcesses(addresses: readonly string[]): Promise<Checked> {
  if (addresses.length === 0)
    return { check: 'processes', skipped: 'give the --admin address of each process', findings: [] };
  const processes = await Promise.all(addresses.map(ask));
  const findings = processes.flatMap((one) => one.findings);
  const builds = [...new Set(processes.map(({ build }) => build).filter(Boolean))];
  if (builds.length > 1) findings.push(found('versions_apart', `These builds run side by side: ${builds.join(', ')}.`));
  for (const queue of new Set(processes.flatMap(({ consumers }) => [...consumers.keys()])))
    if (!processes.some(({ consumers }) => consumers.get(queue)))
      findings.push(found('queue_without_consumer', `No processor takes messages from ${queue}.`));
  return { check: 'processes', seen: `${addresses.length} answer, ${builds.join(', ')}`, findings };
}

async function ask(address: string): Promise<Process> {
  const base = new URL(address);
  const [health, metrics] = await Promise.all([get(new URL('/health', base)), get(new URL('/metrics', base))]);
  const report = 'error' in health ? undefined : healthIn(health.body);
  if ('error' in health || 'error' in metrics || !report) {
    const why = 'error' in health ? health.error : 'error' in metrics ? metrics.error : 'not a Tocsin process';
    return {
      build: '',
      consumers: new Map(),
      findings: [found('process_unreachable', `${base.host} does not answer as a process of Tocsin (${why}).`)],
    };
  }
  const findings = clockSkew(base.host, Date.parse(health.headers.date?.[0] ?? ''), health.sentAtMs, health.headAtMs);
  if (!report.ready) findings.push(found('not_ready', `${base.host} is not ready: ${report.not_ready_reason ?? ''}.`));
  for (const [name, { status }] of Object.entries(report.dependencies))
    if (status === 'down') findings.push(found('dependency_down', `${base.host} does not reach ${name}.`));
  if (/^tocsin_intake_blocked 1$/m.test(metrics.body))
    findings.push(found('intake_blocked', `The queue takes no messages of ${base.host}.`));
  const [, version = 'unknown', commit = ''] =
    /^tocsin_build_info\{version="([^"]*)",commit="([^"]*)"\} 1$/m.exec(metrics.body) ?? [];
  const consumers = new Map(
    [...metrics.body.matchAll(/^tocsin_source_consumer_up\{queue="([^"]*)"\} (\d)$/gm)].map(([, queue, up]) => [
      queue!,
      up === '1',
    ]),
  );
  return { build: commit ? `${version} (${commit})` : version, consumers, findings };
}

function healthIn(body: string): Health | undefined {
  try {
    const report = JSON.parse(body) as Partial<Health>;
    return typeof report.dependencies === 'object' ? (report as Health) : undefined;
  } catch {
    return undefined;
  }
}
