import { useState } from 'react';
import type { AlertAct } from '@tocsin/contracts/wire';
import { useWords } from '../words/words';
import { SnoozeMenu } from './snooze-menu';

/** The part of the page beside which the menu opens. */
export type SnoozePlace = Pick<DOMRect, 'left' | 'top' | 'width' | 'height'>;

/**
 * The snooze menu of a key or a swipe, which have no button of their own: it opens at once, beside what they were
 * about. The focus goes back to where it was.
 */
export default function SnoozeAt({
  place: { left, top, width, height },
  onAct,
  onClose,
}: {
  place: SnoozePlace;
  onAct(act: AlertAct): void;
  onClose(): void;
}) {
  const { t } = useWords();
  const [before] = useState(() => document.activeElement as HTMLElement | null);
  return (
    <SnoozeMenu onAct={onAct} isOpenAtOnce onClosed={onClose} focusAfter={before}>
      <button
        type="button"
        tabIndex={-1}
        aria-label={t('snooze.menu')}
        style={{ position: 'fixed', left, top, width, height, pointerEvents: 'none' }}
      />
    </SnoozeMenu>
  );
}
