export * from './alert-intake.nats';
export * from './alert-source.nats';
export * from './connection';
export * from './nats-queue.module';
export { NatsQueue } from './nats-queue';
export * from './settings';
