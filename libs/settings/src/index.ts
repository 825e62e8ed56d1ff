export * from './duration';
export * from './engines';
export * from './memory-limit';
export * from './misspelt';
export * from './settings';
