import type {
  DataSource,
  EntityMetadata,
  EntitySubscriberInterface,
  InsertEvent,
  LoadEvent,
  ObjectLiteral,
  QueryRunner,
  RemoveEvent,
  SoftRemoveEvent,
  TransactionCommitEvent,
  TransactionRollbackEvent,
  TransactionStartEvent,
  UpdateEvent,
} from 'typeorm';
import { BrokerError } from './broker-error';
import { eventType, type EventDraft } from './event';
import type { EventBroker } from './event-broker';
import { guarded } from './listeners';

export interface CrudCaptureOptions {
  broker: EventBroker;
  /** Default true. */
  create?: boolean;
  /** Default true. */
  update?: boolean;
  /** Also soft removal. Default true. */
  delete?: boolean;
  /** An event for each entity that is loaded. Default false: they are many. */
  read?: boolean;
  /** The names of the tables. Default: all. */
  tables?: readonly string[];
  /** Who acts, for example from an `AsyncLocalStorage`. */
  context?: () => Pick<EventDraft, 'user_id' | 'session_id' | 'metadata'>;
  /** Called when an event could not be published without a transaction, or after one. */
  onTrouble?: (error: unknown) => unknown;
}

type Operation = 'create' | 'update' | 'delete' | 'read';

/**
 * Publishes an event for each entity that TypeORM creates, updates or deletes: `schema.table.create`, with the values
 * of its columns (without those that have `select: false`). Returns a function that ends the capture.
 *
 * With the database provider, in the database of the data source, the events are written by the transaction itself,
 * before it commits: a rolled-back change is no event, and a committed one is always an event. With another provider
 * they are published after the commit, and lost if the process ends just then. A change outside of a transaction, such
 * as `repository.update()`, is published after it; what SQL changes by itself is not seen. While the broker's queue is
 * full, captured events wait in the provider.
 */
export function captureCrud(dataSource: DataSource, options: CrudCaptureOptions): () => void {
  const capture = new CrudCapture(options);
  dataSource.subscribers.push(capture);
  return () => {
    const place = dataSource.subscribers.indexOf(capture);
    if (place >= 0) dataSource.subscribers.splice(place, 1);
  };
}

class CrudCapture implements EntitySubscriberInterface {
  /** For each connection, the events of its open transaction, and of each savepoint within it. */
  private readonly open = new WeakMap<QueryRunner, EventDraft[][]>();

  constructor(private readonly options: CrudCaptureOptions) {}

  async afterInsert({ queryRunner, metadata, entity }: InsertEvent<ObjectLiteral>): Promise<void> {
    await this.captured(queryRunner, 'create', metadata, entity);
  }

  async afterUpdate({ queryRunner, metadata, entity, updatedColumns }: UpdateEvent<ObjectLiteral>): Promise<void> {
    const changed = updatedColumns.map(({ propertyPath }) => propertyPath);
    await this.captured(queryRunner, 'update', metadata, entity, { changed });
  }

  async afterRemove(event: RemoveEvent<ObjectLiteral>): Promise<void> {
    await this.captured(event.queryRunner, 'delete', event.metadata, event.databaseEntity ?? event.entity);
  }

  async afterSoftRemove(event: SoftRemoveEvent<ObjectLiteral>): Promise<void> {
    await this.captured(event.queryRunner, 'delete', event.metadata, event.databaseEntity ?? event.entity, {
      is_soft: true,
    });
  }

  async afterLoad(entity: ObjectLiteral, event?: LoadEvent<ObjectLiteral>): Promise<void> {
    if (!event || !this.wants('read', event.metadata)) return;
    await this.publish([this.draft('read', event.metadata, entity)]);
  }

  afterTransactionStart({ queryRunner }: TransactionStartEvent): void {
    const levels = this.open.get(queryRunner) ?? [];
    levels.push([]);
    this.open.set(queryRunner, levels);
  }

  /** Writes what this transaction, or savepoint, has captured. An error fails the commit. */
  async beforeTransactionCommit({ queryRunner }: TransactionCommitEvent): Promise<void> {
    const drafts = this.open.get(queryRunner)?.at(-1) ?? [];
    if (drafts.length === 0 || !this.options.broker.provider.publishWithin) return;
    await this.options.broker.publishWithin(queryRunner, drafts.splice(0));
  }

  async afterTransactionCommit({ queryRunner }: TransactionCommitEvent): Promise<void> {
    const levels = this.open.get(queryRunner);
    const drafts = levels?.pop() ?? [];
    const outer = levels?.at(-1);
    if (outer) outer.push(...drafts);
    else await this.publish(drafts);
  }

  afterTransactionRollback({ queryRunner }: TransactionRollbackEvent): void {
    this.open.get(queryRunner)?.pop();
  }

  private wants(operation: Operation, metadata: EntityMetadata): boolean {
    const { tables } = this.options;
    return (this.options[operation] ?? operation !== 'read') && (!tables || tables.includes(metadata.tableName));
  }

  private async captured(
    queryRunner: QueryRunner,
    operation: Operation,
    metadata: EntityMetadata,
    entity: ObjectLiteral | undefined,
    details: Record<string, unknown> = {},
  ): Promise<void> {
    if (!this.wants(operation, metadata)) return;
    const draft = this.draft(operation, metadata, entity ?? {}, details);
    const level = this.open.get(queryRunner)?.at(-1);
    if (queryRunner.isTransactionActive && level) level.push(draft);
    else await this.publish([draft]);
  }

  private draft(
    operation: Operation,
    metadata: EntityMetadata,
    entity: ObjectLiteral,
    details: Record<string, unknown> = {},
  ): EventDraft {
    const context = this.options.context?.() ?? {};
    const schema = segment(metadata.schema ?? 'public');
    const table = segment(metadata.tableName);
    const values = metadata.columns
      .filter(({ isSelect }) => isSelect)
      .map((column) => [column.propertyPath, column.getEntityValue(entity)] as const)
      .filter(([, value]) => value !== undefined);
    return {
      ...context,
      type: eventType(schema, table, operation),
      source: 'database',
      schema,
      entity: table,
      operation,
      payload: Object.fromEntries(values),
      metadata: { ...context.metadata, ...details },
    };
  }

  /** The change is made already, so that a failure is only told. */
  private async publish(drafts: readonly EventDraft[]): Promise<void> {
    if (drafts.length === 0) return;
    const { broker, onTrouble } = this.options;
    // they must not be lost for want of room in the queue: there is no other word of the change
    const published = broker.mode === 'sync' ? broker.publishBatch(drafts) : broker.publishThroughStream(drafts);
    await published
      .catch((error: unknown) => {
        if (!(error instanceof BrokerError && error.code === 'queue_full')) throw error;
        return broker.publishThroughStream(drafts);
      })
      .catch(guarded(onTrouble));
  }
}

/** A name as a segment of a type. */
const segment = (name: string): string => name.replaceAll(/[^\w-]/g, '_');
