export * from './back-off';
export * from './deadline';
