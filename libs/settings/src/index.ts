export * from './memory-limit';
export * from './settings';
