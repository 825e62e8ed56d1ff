import { useRef, useState, type ReactNode } from 'react';
import { ACT_RULES, type Alert, type AlertAct } from '@tocsin/contracts/wire';
import { useFace } from './inbox-face';
import { SNOOZES, type SnoozeChoice } from './inbox-words';

/** The buttons in their order; each is shown when the alert's status allows its act. */
const SHOWN = ['acknowledge', 'unacknowledge', 'resolve', 'reopen', 'unsnooze'] as const;
const HOUR_MS = 3_600_000;
const MORNING = 8;

/** When a snooze ends, in milliseconds. Times of day are the user's local time. */
export function snoozeEnd(choice: SnoozeChoice, now: number): number {
  const day = new Date(now);
  const ends: Record<SnoozeChoice, number> = {
    hour: now + HOUR_MS,
    hours: now + 4 * HOUR_MS,
    tomorrow: new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1, MORNING).getTime(),
    week: now + 7 * 24 * HOUR_MS,
  };
  return ends[choice];
}

/** What the user can do with an alert. Which acts are offered follows from its status. */
export function InboxActs({ alert }: { alert: Alert }): ReactNode {
  const { words, user, now, act } = useFace();
  const [snoozing, setSnoozing] = useState(false);
  const group = useRef<HTMLDivElement>(null);
  const allows = (one: keyof typeof ACT_RULES) => ACT_RULES[one].from?.includes(alert.status) ?? true;
  const perform = (what: AlertAct) => {
    // the button may go with the new status: the focus stays in the group
    group.current?.focus();
    setSnoozing(false);
    void act(alert.alert_id, what);
  };
  const isMine = user !== undefined && alert.assignee === user;
  return (
    <div ref={group} className="tocsin-acts" role="group" aria-label={words.acts} tabIndex={-1}>
      {SHOWN.filter(allows).map((one) => (
        <button key={one} type="button" onClick={() => perform({ act: one })}>
          {words.act[one]}
        </button>
      ))}
      <button
        type="button"
        onClick={() => perform({ act: 'assign', assignee: isMine ? null : 'me', from_assignee: alert.assignee })}
      >
        {isMine ? words.unassign : words.assignToMe}
      </button>
      {allows('snooze') && (
        <button type="button" aria-expanded={snoozing} onClick={() => setSnoozing(!snoozing)}>
          {words.act.snooze}
        </button>
      )}
      {snoozing && allows('snooze') && (
        <div className="tocsin-acts" role="group" aria-label={words.act.snooze}>
          {SNOOZES.map((choice) => (
            <button
              key={choice}
              type="button"
              onClick={() => perform({ act: 'snooze', until: new Date(snoozeEnd(choice, now)).toISOString() })}
            >
              {words.snoozes[choice]}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
