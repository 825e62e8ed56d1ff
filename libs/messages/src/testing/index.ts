export * from './alert-queue.contract';
export * from './newest-word.contract';
export * from './schema-values';
