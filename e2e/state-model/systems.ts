import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Processes, type Environment } from '../kit/processes';
import { Stack, TENANT_SERVICE_TOKEN } from '../kit/stack';
import { TenantService } from '../kit/tenant-service';
import { JWT_SECRET } from '../kit/tokens';
import type { System } from './door';
import { FOLD_AFTER, FOLD_WINDOW_MS } from './fold-window';

const FOLDING: Environment = { FOLD_AFTER: String(FOLD_AFTER), FOLD_WINDOW: String(FOLD_WINDOW_MS / 1_000) };

export interface OpenSystem extends System {
  close: () => Promise<void>;
  /** The parts of the distributed system. */
  stack?: Stack;
}

/** Gateway and processor on PostgreSQL, Redis and RabbitMQ. */
export async function openDistributed(): Promise<OpenSystem & { stack: Stack }> {
  const stack = await Stack.open({ processorEnvironment: FOLDING });
  return {
    url: stack.gateway.url,
    amqp: stack.amqp,
    assign: (user, tenants) => stack.tenantService.assign(user, tenants),
    close: () => stack.close(),
    stack,
  };
}

/** The standalone on its embedded database, queue and bus. */
export async function openStandalone(): Promise<OpenSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-state-model-'));
  const [processes, tenantService] = [new Processes(), await TenantService.start()];
  const close = async () => {
    await Promise.allSettled([processes.close(), tenantService.close()]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const standalone = await processes.start('standalone', {
      PORT: '0',
      ADMIN_PORT: '0',
      DATA_DIR: folder,
      JWT_SECRET,
      TENANT_SERVICE_URL: tenantService.url,
      TENANT_SERVICE_TOKEN,
      LOG_LEVEL: 'info',
      ...FOLDING,
    });
    return { url: standalone.url, assign: (user, tenants) => tenantService.assign(user, tenants), close };
  } catch (error) {
    await close();
    throw error;
  }
}

export const SYSTEMS = [
  { name: 'PostgreSQL', open: openDistributed },
  { name: 'the embedded database of the standalone', open: openStandalone },
] as const satisfies readonly { name: string; open: () => Promise<OpenSystem> }[];
