// The data that travels: plain types, constant lists and the order of fields. No file here imports anything from
// outside of this folder, so that a browser, a published package and a server can all share it. Every name is
// snake_case because it is stored or sent under exactly this name.

export * from './acts';
export * from './alert-values';
export * from './alerts';
export * from './dead-letters';
export * from './deliveries';
export * from './lists';
export * from './notifications';
export * from './problem';
export * from './push';
export * from './search-words';
export * from './session';
export * from './stream';
export * from './system-health';
export * from './webhooks';
