export * from './alert-source.contract';
export * from './newest-word.contract';
export * from './schema-values';
