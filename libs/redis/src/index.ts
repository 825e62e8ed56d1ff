export * from './connection';
export * from './doorbell.redis';
export * from './event-bus.redis';
export * from './redis.module';
export * from './request-rates.redis';
export * from './settings';
export * from './stream-slots.redis';
export * from './ticket-store.redis';
