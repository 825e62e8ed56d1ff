export * from './alert-publisher';
export { brokerUrls } from './broker-addresses';
export * from './broker-connection';
export * from './broker-unavailable';
export * from './confirming-publisher';
export * from './kept-channel';
export * from './outbox';
export * from './outbox-relay';
