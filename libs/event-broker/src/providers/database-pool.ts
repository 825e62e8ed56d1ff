/** The part of node-postgres's `PoolClient` that the provider needs. */
export interface DatabaseClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  on(event: 'notification' | 'error', listener: (...given: never[]) => void): unknown;
  removeAllListeners(event: 'notification' | 'error'): unknown;
  /** With `true` the connection is closed instead of used again. */
  release(destroy?: boolean | Error): void;
}

/** The service's own pool: node-postgres's `Pool`, or an object of the same shape. The provider does not end it. */
export interface DatabasePool {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  connect(): Promise<DatabaseClient>;
}
