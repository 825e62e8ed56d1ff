export * from './template-view';
export * from './webhook-template';
