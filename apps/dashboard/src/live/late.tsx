import { Suspense, type ReactNode } from 'react';

/** A part that is loaded when it is needed, and for which nothing stands until then. */
export const Late = ({ children }: { children: ReactNode }) => <Suspense fallback={null}>{children}</Suspense>;
