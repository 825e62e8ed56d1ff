import { lazy } from 'react';

const load = () => import('./bulk-bar');

/** Loaded right after the page. */
export const BulkBar = lazy(load);
export const preloadBulkBar = (): void => void load().catch(() => undefined);
