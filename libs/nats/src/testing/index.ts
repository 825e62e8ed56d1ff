export * from './own-nats';
