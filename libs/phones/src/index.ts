export * from './settings';
export * from './twilio-addresses';
export * from './twilio-errors';
export * from './twilio-signature';
