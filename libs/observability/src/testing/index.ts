export * from './spans-in-memory';
