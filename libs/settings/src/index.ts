export * from './duration';
export * from './memory-limit';
export * from './settings';
