import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Alert, AlertAct, AlertPage, AlertSearch, Entry } from '@tocsin/contracts/wire';
import { compiled, patched, type Patch } from './built-copy';

const ROOT = join(__dirname, '..', '..');
const CLIENT = join('libs', 'react-client', 'src');
const WIRE = join('libs', 'contracts', 'src', 'wire');

/**
 * The parts of the client's core that are used here. The core is type-checked with the DOM, which servers do not have.
 */
export interface ClientCore {
  AlertStream: new (options: {
    url: string;
    token: () => string;
    storage: {
      getItem(key: string): string | null;
      setItem(key: string, value: string): void;
      removeItem(key: string): void;
    };
    sharing: false;
    from?: string;
    fetch: typeof fetch;
  }) => ClientStream;
  AlertsApi: new (url: string, credential: unknown, get: typeof fetch) => ClientApi;
  AlertStore: new (api: ClientApi, stream: ClientStream) => ClientStore;
}
export interface ClientStream {
  readonly status: { state: string };
  readonly cursor: string | null;
  readonly credential: unknown;
  open(): ClientStream;
  close(): void;
  reconnect(): void;
  on(event: 'entry', listener: (entry: Entry) => void): () => void;
}
export interface ClientApi {
  list(search?: AlertSearch): Promise<AlertPage>;
}
export interface ClientStore {
  attach(): () => void;
  list(search: AlertSearch): ClientList;
  act(
    alertIds: readonly string[],
    act: AlertAct,
  ): Promise<{ alerts: Alert[]; refused: { alert_id: string; code: string }[] }>;
}
export interface ClientList {
  getSnapshot(): {
    alerts: readonly Alert[];
    loading: boolean;
    loadingMore: boolean;
    hasMore: boolean;
    error: Error | null;
    loadedAt: number | null;
  };
  subscribe(listener: () => void): () => void;
  load(): Promise<void>;
  loadMore(): Promise<void>;
}

/**
 * A copy of the client's core, compiled into a folder of its own, where it can be broken on purpose: a patch names a
 * file below `libs/react-client/src`, and applies or throws. `remove` deletes it.
 */
export class ClientCopy {
  private readonly folder = mkdtempSync(join(tmpdir(), 'tocsin-client-'));
  readonly core: ClientCore;

  constructor(patches: readonly Patch[] = []) {
    try {
      const folders = ['.', 'stream', 'tabs', 'alerts', 'push'].map((folder) => join(CLIENT, folder));
      const sources = [...folders, WIRE].flatMap((folder) =>
        readdirSync(join(ROOT, folder))
          .filter((name) => name.endsWith('.ts') && !/\.(spec|d)\.ts$/.test(name))
          .map((name) => join(folder, name)),
      );
      for (const source of sources) {
        const text = patches
          .filter(({ file }) => join(CLIENT, file) === source)
          .reduce(patched, readFileSync(join(ROOT, source), 'utf8'));
        const target = join(this.folder, source.replace(/\.ts$/, '.js'));
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, compiled(join(ROOT, source), text));
      }
      this.core = jest.requireActual<ClientCore>(join(this.folder, CLIENT, 'core.js'));
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
