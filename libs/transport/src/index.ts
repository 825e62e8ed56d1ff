export * from './hint-outage';
export * from './lane-source';
export * from './stated-stream-slots';
export * from './topic-listeners';
