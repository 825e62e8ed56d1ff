import { useEffect, useRef, type ReactNode } from 'react';
import { toast } from 'sonner';
import { X } from 'lucide-react';
import { useAlertStore, useAlertStream, type Heard } from '@tocsin/react-client';
import type { Entry } from '@tocsin/contracts/wire';
import { isQuiet, preferences } from '../settings/preferences';
import { serverNow } from '../words/clock';
import { nameOf } from '../words/people';
import { shownText } from '../words/shown-text';
import { useWords } from '../words/words';
import { bell } from './the-bell';
import { SeverityMark } from './severity-mark';
import { interrupts, settles, ToastPlanner, TOAST_MS } from './toast-plan';
import type { Ringing } from './use-ringing';
import styles from './alert-toasts.module.css';

/** How long a toast shows that another user took care of the alert. */
const SETTLED_MS = 2_000;
const COUNTED_MS = 10_000;
/** A count is updated at most once in this time: users do not read it faster, and each update measures all toasts. */
const RECOUNT_MS = 500;

interface Props {
  /** On a phone, which shows one bar in place of toasts; null elsewhere. */
  ringing: Ringing | null;
  me: string;
  mayAct: boolean;
  /** The alert whose details are open: its toast is closed, because the user reads it already. */
  openAlert: string | null;
  /** Whether the page is about this tenant: the others ring on no page that leaves them out. */
  inScope(tenantId: string): boolean;
  tenantName(tenantId: string): string | null;
  onOpen(alertId: string): void;
  onAcknowledge(entry: Entry): void;
  onShow(): void;
}

/**
 * Rings and shows a toast for a new alert, in one of the user's tabs. Entries replayed after a long absence are not
 * toasted.
 */
export function AlertToasts(props: Props) {
  const { t } = useWords();
  const store = useAlertStore();
  const planner = useRef(new ToastPlanner());
  const latest = useRef(props);
  useEffect(() => void (latest.current = props));

  /** The counting toasts on screen: the next text of each, and the timer that will show it. */
  const counts = useRef(new Map<string, { words: string; timer: ReturnType<typeof setTimeout> }>());
  const gone = (id: string) => {
    planner.current.gone(id);
    clearTimeout(counts.current.get(id)?.timer);
    counts.current.delete(id);
  };
  useEffect(() => () => counts.current.forEach(({ timer }) => clearTimeout(timer)), []);
  const close = (id: string) => {
    gone(id);
    toast.dismiss(id);
  };
  const { openAlert } = props;
  useEffect(() => {
    if (!openAlert) return;
    close(openAlert);
    latest.current.ringing?.done(openAlert);
  }, [openAlert]);
  const counted = (id: 'more' | 'burst', words: string) => {
    const shown = counts.current.get(id);
    if (shown) return void (shown.words = words);
    const recount = () => {
      const next = counts.current.get(id)!.words;
      counts.current.delete(id);
      if (next !== words) counted(id, next);
    };
    counts.current.set(id, { words, timer: setTimeout(recount, RECOUNT_MS) });
    const show = () => {
      close(id);
      latest.current.onShow();
    };
    toast.custom(
      () => (
        <button type="button" className={styles.counted} data-testid={`toast-${id}`} onClick={show}>
          {words}
        </button>
      ),
      {
        id,
        duration: COUNTED_MS,
        onAutoClose: () => gone(id),
        onDismiss: () => gone(id),
      },
    );
  };
  const hear = (entry: Entry, { notify }: Heard) => {
    const id = entry.alert_id;
    const { ringing, inScope } = latest.current;
    const stands = ringing ? ringing.all.some(({ alert_id }) => alert_id === id) : planner.current.has(id);
    if (!stands && (!notify || !inScope(entry.tenant_id))) return;
    const { sound, volume, ...quiet } = preferences();
    if (interrupts(entry) && !stands && isQuiet(quiet, entry.severity === 'urgent', Date.now())) return;
    const ringBell = () => {
      if (interrupts(entry) && sound) bell.ring(entry.severity, volume);
    };
    if (ringing) {
      if (settles(entry)) return ringing.done(id);
      if (!interrupts(entry) && !stands) return;
      ringBell();
      if (id !== latest.current.openAlert) ringing.ring(entry);
      return notifyDesktop(entry, () => latest.current.onOpen(id));
    }
    const plan = planner.current.plan(entry, performance.now());
    if (plan.kind === 'settled') {
      if (!entry.actor || entry.actor === latest.current.me) return close(id);
      const words = t(entry.status === 'resolved' ? 'toast.resolved' : 'toast.onIt', { user: nameOf(entry.actor) });
      planner.current.gone(id);
      return void toast.custom(() => <div className={styles.counted}>{words}</div>, { id, duration: SETTLED_MS });
    }
    if (plan.kind === 'none') return;
    ringBell();
    if (plan.kind === 'more') return counted('more', t('toast.more', { count: plan.count, urgent: plan.urgent }));
    if (plan.kind === 'burst') {
      for (const one of planner.current.clear()) toast.dismiss(one);
      close('more');
      return counted('burst', t('toast.burst', { count: plan.count, urgent: plan.urgent }));
    }
    toast.custom(() => <AlertToast entry={entry} {...latest.current} onClose={() => close(id)} />, {
      id,
      duration: TOAST_MS[entry.severity] ?? TOAST_MS.medium!,
      onAutoClose: () => planner.current.gone(id),
      onDismiss: () => planner.current.gone(id),
    });
    notifyDesktop(entry, () => latest.current.onOpen(id));
  };
  /** After entries were missed: an alert that was taken, snoozed or resolved since its toast was shown has none. */
  const recheck = () => {
    const { ringing } = latest.current;
    const standing = ringing
      ? new Map(ringing.all.map(({ alert_id, status }) => [alert_id, status]))
      : planner.current.all();
    void store.lookAgain([...standing.keys()], (id, { status }) => {
      if (status === standing.get(id)) return;
      close(id);
      latest.current.ringing?.done(id);
    });
  };
  useAlertStream({ entry: hear, gap: recheck, fresh: recheck });
  return null;
}

interface ToastProps extends Pick<Props, 'mayAct' | 'tenantName' | 'onOpen' | 'onAcknowledge'> {
  entry: Entry;
  /** What else has rung, in words. */
  more?: ReactNode;
  onClose(): void;
}

/** An alert that has just rung, with what can be done at once. */
export function AlertToast({ entry, more, mayAct, tenantName, onOpen, onAcknowledge, onClose }: ToastProps) {
  const { t } = useWords();
  const tenant = tenantName(entry.tenant_id);
  const then = (act: () => void) => () => {
    onClose();
    act();
  };
  return (
    <div className={styles.toast} data-severity={entry.severity} data-testid="toast">
      <SeverityMark severity={entry.severity} size={18} />
      <div className={styles.text}>
        <strong dir="auto">
          {shownText(entry.title)}
          {entry.occurrences > 1 && (
            <span className={styles.times}> {t('list.times', { count: entry.occurrences })}</span>
          )}
        </strong>
        <span className={styles.from}>{[entry.service, tenant, t('time.now')].filter(Boolean).join(' · ')}</span>
        {more}
        <span className={styles.buttons}>
          {mayAct && entry.status !== 'acknowledged' && (
            <button type="button" onClick={then(() => onAcknowledge(entry))}>
              {t('act.acknowledge')}
            </button>
          )}
          <button type="button" onClick={then(() => onOpen(entry.alert_id))}>
            {t('act.open')}
          </button>
        </span>
      </div>
      <button type="button" className={styles.close} aria-label={t('dismiss')} onClick={onClose}>
        <X size={14} aria-hidden />
      </button>
    </div>
  );
}

/** Shows a desktop notification if the page is hidden and the user has allowed it. */
function notifyDesktop(entry: Entry, onOpen: () => void): void {
  if (
    !preferences().desktop ||
    document.visibilityState === 'visible' ||
    !('Notification' in window) ||
    Notification.permission !== 'granted'
  )
    return;
  const shown = new Notification(shownText(entry.title), {
    body: `${entry.service}${entry.message ? ` · ${entry.message.slice(0, 140)}` : ''}`,
    tag: entry.alert_id,
    timestamp: serverNow(),
  } as NotificationOptions);
  shown.onclick = () => {
    window.focus();
    onOpen();
    shown.close();
  };
}
