export {
  EventBrokerModule,
  type EventBrokerModuleAsyncOptions,
  type EventBrokerModuleOptions,
} from './event-broker.module';
export { OnEvent } from './on-event';
