import { Suspense, type ReactNode } from 'react';
import { toast } from 'sonner';
import { useWords } from '../words/words';
import { Unbroken } from './unbroken';

/** How long the page says that a dialog failed. */
const TOLD_MS = 10_000;

interface Props {
  children: ReactNode;
  /** What stands in its place until it is loaded. Default: nothing. */
  waiting?: ReactNode;
  /** What stands in its place when it fails or cannot be loaded. Default: nothing. */
  broken?: ReactNode;
  onBroken?(): void;
}

/**
 * A part that is loaded when it is needed. Without a network, or after an upgrade that has replaced its file, it cannot
 * be loaded; the rest of the page keeps working then.
 */
export const Late = ({ children, waiting = null, broken = null, onBroken }: Props) => (
  <Unbroken fallback={broken} onBroken={onBroken}>
    <Suspense fallback={waiting}>{children}</Suspense>
  </Unbroken>
);

/**
 * The same for a dialog or a menu. Nothing stands in its place, so a toast says that it failed; `onGivenUp` ends what
 * it was opened for, which would wait for it without end otherwise.
 */
export function LateDialog({ children, onGivenUp }: { children: ReactNode; onGivenUp(): void }) {
  const { t } = useWords();
  const giveUp = () => {
    onGivenUp();
    toast.error(t('error.part'), {
      duration: TOLD_MS,
      position: 'bottom-center',
      // the browser does not ask again for a script that it could not load
      action: { label: t('error.reload'), onClick: () => location.reload() },
    });
  };
  return <Late onBroken={giveUp}>{children}</Late>;
}
