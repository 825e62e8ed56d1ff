export type { DatabaseClient, DatabasePool } from './providers/database-pool';
export { DatabaseProvider, type DatabaseProviderOptions } from './providers/database-provider';
export { eventTable } from './providers/event-table';
