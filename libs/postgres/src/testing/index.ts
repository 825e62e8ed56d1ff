export * from './as-owner';
export * from './fresh-database';
export * from './isolation.contract';
export * from './open-bus';
export * from './open-delivery-queue';
export * from './played-members';
export * from './played-queue';
