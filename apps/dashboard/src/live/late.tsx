import { Suspense, type ReactNode } from 'react';
import { Unbroken } from './unbroken';

interface Props {
  children: ReactNode;
  /** What stands in its place until it is loaded. Default: nothing. */
  waiting?: ReactNode;
  /** What stands in its place when it fails or cannot be loaded. Default: nothing. */
  broken?: ReactNode;
}

/**
 * A part that is loaded when it is needed. Without a network, or after an upgrade that has replaced its file, it cannot
 * be loaded; the rest of the page keeps working then.
 */
export const Late = ({ children, waiting = null, broken = null }: Props) => (
  <Unbroken fallback={broken}>
    <Suspense fallback={waiting}>{children}</Suspense>
  </Unbroken>
);
