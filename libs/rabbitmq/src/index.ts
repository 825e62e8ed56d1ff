export * from './alert-intake.rabbit';
export * from './alert-source.rabbit';
export * from './rabbitmq.module';
export * from './queue-states';
export * from './raw-intake.rabbit';
export * from './settings';
export * from './topology';
export * from './topology-names';
