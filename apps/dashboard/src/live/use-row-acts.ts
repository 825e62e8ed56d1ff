import { useMemo } from 'react';
import type { Alert } from '@tocsin/contracts/wire';
import type { Acts } from '../acts/use-acts';
import type { RowActs } from './alert-row';
import type { Selection } from './use-selection';

interface Hands {
  acts: Acts;
  selection: Pick<Selection, 'toggle' | 'isAny'>;
  open(alertId: string): void;
  snooze(alerts: readonly Alert[]): void;
  snoozeAnHour(alerts: readonly Alert[]): void;
  setCurrent(alertId: string): void;
}

/**
 * The callbacks of the rows. The object stays the same while nothing in it changes, because some forty memoised rows
 * compare it.
 */
export function useRowActs({ acts, selection, open, snooze, snoozeAnHour, setCurrent }: Hands): RowActs {
  const { toggle, isAny } = selection;
  return useMemo(() => {
    const openIt = ({ alert_id }: Alert) => open(alert_id);
    return {
      open: openIt,
      tap: (alert) => (isAny() ? toggle(alert.alert_id) : openIt(alert)),
      select: ({ alert_id }, how) => toggle(alert_id, how),
      focus: ({ alert_id }) => setCurrent(alert_id),
      acknowledge: (alerts) => acts.perform(alerts, { act: 'acknowledge' }),
      resolve: (alerts) => acts.perform(alerts, { act: 'resolve' }),
      snooze,
      snoozeAnHour,
    };
  }, [acts, toggle, isAny, open, snooze, snoozeAnHour, setCurrent]);
}
