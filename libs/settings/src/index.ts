export * from './duration';
export * from './memory-limit';
export * from './misspelt';
export * from './settings';
