import { lazy, useCallback, useState, type ReactNode } from 'react';
import type { Alert } from '@tocsin/contracts/wire';
import type { SnoozePlace } from '../acts/snooze-at';
import { anHourFrom, snoozeUntil } from '../acts/snooze-times';
import type { Acts } from '../acts/use-acts';
import { serverNow } from '../words/clock';
import { LateDialog } from './late';
import type { Selection } from './use-selection';

const load = () => import('../acts/snooze-at');
const SnoozeAt = lazy(load);

/** Loads the menu before a key opens it: the next key is meant for it. */
export const preloadSnoozing = (): void => void load().catch(() => undefined);

export interface Snoozing {
  /** Opens the menu for these alerts. */
  snooze(alerts: readonly Alert[]): void;
  /** Snoozes them at once. */
  snoozeAnHour(alerts: readonly Alert[]): void;
  /** The menu, while it is open. */
  menu: ReactNode;
}

/** Snoozing by a key or a swipe, which have no button of their own for the menu. */
export function useSnoozing(acts: Acts, selection: Selection): Snoozing {
  const [chosen, setChosen] = useState<{ alerts: readonly Alert[]; place: SnoozePlace } | null>(null);
  const snooze = useCallback((alerts: readonly Alert[]) => {
    if (alerts.length > 0) setChosen({ alerts, place: placeOf(alerts) });
  }, []);
  const snoozeAnHour = useCallback(
    (alerts: readonly Alert[]) => acts.perform(alerts, snoozeUntil(anHourFrom(serverNow()))),
    [acts],
  );
  const close = useCallback(() => setChosen(null), []);
  const menu = chosen && (
    <LateDialog onGivenUp={close}>
      <SnoozeAt
        place={chosen.place}
        onAct={(what) =>
          acts.perform(chosen.alerts, what, () => {
            if (chosen.alerts.some(({ alert_id }) => selection.ids.has(alert_id))) selection.none();
          })
        }
        onClose={close}
      />
    </LateDialog>
  );
  return { snooze, snoozeAnHour, menu };
}

/** The part of the page that shows these alerts: the bar of the selection, the open alert, or the row. */
function placeOf([first, ...others]: readonly Alert[]): SnoozePlace {
  const row = document.querySelector(`[data-alert="${CSS.escape(first?.alert_id ?? '')}"]`);
  const bars = document.querySelectorAll('[data-snooze]');
  const part = others.length > 0 || !row ? bars[0] : row;
  return (part ?? document.body).getBoundingClientRect();
}
