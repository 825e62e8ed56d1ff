import { X } from 'lucide-react';
import type { Entry } from '@tocsin/contracts/wire';
import { useLateWords, type LateWords } from '../words/late-words';
import { useWords } from '../words/words';
import { AlertToast } from './alert-toasts';
import { SeverityMark } from './severity-mark';
import styles from './phone-alerts.module.css';
import type { Ringing } from './use-ringing';

const words: LateWords<'line'> = {
  en: { line: '{count, plural, one {# urgent} other {# urgent}}: {title}' },
  es: { line: '{count, plural, one {# urgente} other {# urgentes}}: {title}' },
};

interface BarProps {
  ringing: Ringing;
  mayAct: boolean;
  tenantName(tenantId: string): string | null;
  onOpen(alertId: string): void;
  onAcknowledge(entry: Entry): void;
  onShow(): void;
}

/** The one bar of a phone for all alerts that have rung: the worst of them with its acts, and how many others. */
export function PhoneBar({ ringing, onShow, ...rest }: BarProps) {
  const { t } = useWords();
  const { all, shown, done, dismiss } = ringing;
  const entry = all.find(({ alert_id }) => alert_id === shown);
  const others = all.filter((one) => one !== entry);
  if (all.length === 0) return null;
  const urgent = others.filter(({ severity }) => severity === 'urgent').length;
  const more = others.length > 0 && t(entry ? 'toast.more' : 'toast.burst', { count: others.length, urgent });
  const show = () => {
    dismiss();
    onShow();
  };
  return (
    <div className={styles.bar} data-testid="phone-bar">
      {entry ? (
        <AlertToast
          key={entry.alert_id}
          entry={entry}
          more={more && <span className={styles.more}>{more}</span>}
          onClose={() => done(entry.alert_id)}
          {...rest}
        />
      ) : (
        <div className={styles.counted}>
          <button type="button" onClick={show}>
            {more}
          </button>
          <button type="button" className={styles.close} aria-label={t('dismiss')} onClick={dismiss}>
            <X size={14} aria-hidden />
          </button>
        </div>
      )}
    </div>
  );
}

/**
 * The line of an open alert that says which urgent alerts have rung meanwhile. It has its own place under the header,
 * so that it covers neither the alert nor its acts.
 */
export function UrgentLine({ ringing: { all, done }, onOpen }: Pick<BarProps, 'ringing' | 'onOpen'>) {
  const say = useLateWords(words);
  const { t } = useWords();
  const urgent = all.filter(({ severity }) => severity === 'urgent');
  const newest = urgent.at(-1);
  if (!newest) return null;
  const show = () => {
    done(newest.alert_id);
    onOpen(newest.alert_id);
  };
  return (
    <div className={styles.line} data-testid="urgent-line">
      <SeverityMark severity="urgent" label={false} />
      <span className={styles.title} dir="auto">
        {say('line', { count: urgent.length, title: newest.title })}
      </span>
      <button type="button" onClick={show}>
        {t('catchup.show')}
      </button>
    </div>
  );
}
