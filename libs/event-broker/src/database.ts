export {
  DatabaseProvider,
  type DatabaseClient,
  type DatabasePool,
  type DatabaseProviderOptions,
} from './providers/database-provider';
export { eventTable } from './providers/event-table';
