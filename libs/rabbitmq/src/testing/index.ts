export { breakChannels } from './break-channels';
export { brokerUrl, OwnBroker } from './own-broker';
