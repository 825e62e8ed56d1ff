import { lazy, Suspense, useRef, type ReactNode } from 'react';
import { AlarmClock, CircleCheck, CircleDot, ExternalLink, Link2, RotateCcw, Undo2, UserRound, X } from 'lucide-react';
import type { Alert, AlertAct } from '@tocsin/contracts/wire';
import { State } from '../live/alert-cells';
import { SeverityMark } from '../live/severity-mark';
import { Unbroken } from '../live/unbroken';
import { SnoozeMenu } from '../acts/snooze-menu';
import buttons from '../settings/icon-button.module.css';
import { usePreference } from '../settings/preferences';
import { Ago, useNow } from '../words/clock';
import { useMemberships } from '../session/use-memberships';
import { nameOf } from '../words/people';
import { shownText } from '../words/shown-text';
import { spanWords } from '../words/time-words';
import { useWords } from '../words/words';
import { CopyButton } from './copy-button';
import { History } from './history';
import { Json } from './json';
import { FoldedText } from './folded-text';
import { safeUrl } from './linked-text';
import { NoteForm } from './note-form';
import { useDragWidth } from './use-drag-width';
import styles from './drawer.module.css';

const MINUTE_MS = 60_000;
/** Loaded when the first alert is opened, with its words: the list does not wait for it. */
const Deliveries = lazy(() => import('./deliveries'));
const ReadOnly = lazy(() => import('./read-only'));
const AssignTo = lazy(() => import('./assign-to'));

interface Props {
  alert: Alert | undefined;
  loading: boolean;
  me: string;
  mayAct: boolean;
  tenantName: string | null;
  onAct(alert: Alert, act: AlertAct): void;
  onLabel(key: string, value: string): void;
  onClose(): void;
  /** What stands under the header. */
  notice: ReactNode;
}

/** All details of one alert: its fields, the acts on it and its history. */
export default function Drawer({ alert, loading, onClose, notice, ...rest }: Props) {
  const { t } = useWords();
  const [kept, keep] = usePreference('drawerWidth');
  const { width, handle } = useDragWidth(kept, keep);
  const panel = useRef<HTMLElement>(null);
  return (
    <aside
      ref={panel}
      className={styles.drawer}
      style={{ '--drawer': `${width}px` } as React.CSSProperties}
      aria-label={t('drawer.label')}
      data-testid="drawer"
    >
      <div
        {...handle}
        className={styles.handle}
        role="separator"
        aria-orientation="vertical"
        aria-label={t('drawer.resize')}
        aria-valuenow={width}
        aria-valuemin={360}
        aria-valuemax={640}
        tabIndex={0}
      />
      <div className={styles.bar}>
        {alert && (
          <span className={styles.badge} data-severity={alert.severity}>
            <SeverityMark severity={alert.severity} label={false} />
            {t(`severity.${alert.severity}`)}
          </span>
        )}
        {alert && <State alert={alert} />}
        <span className={styles.fill} />
        <CopyButton text={location.href} label={t('drawer.copyLink')}>
          <Link2 size={16} aria-hidden />
        </CopyButton>
        <button
          type="button"
          className={buttons.button}
          aria-label={t('drawer.close')}
          title={`${t('drawer.close')} (Esc)`}
          onClick={onClose}
        >
          <X size={16} aria-hidden />
        </button>
      </div>
      {notice}
      <Unbroken key={alert?.alert_id} fallback={<p className={styles.gone}>{t('error.part')}</p>}>
        {alert ? (
          <Details alert={alert} {...rest} />
        ) : loading ? (
          <DrawerSkeleton />
        ) : (
          <p className={styles.gone}>{t('drawer.gone')}</p>
        )}
      </Unbroken>
    </aside>
  );
}

function Details({
  alert,
  me,
  mayAct,
  tenantName,
  onAct,
  onLabel,
}: { alert: Alert } & Omit<Props, 'alert' | 'loading' | 'onClose' | 'notice'>) {
  const { t, intl } = useWords();
  const now = useNow();
  // since it was last opened, which is long after it was first seen when it came back; 0 when that is not known
  const openFor = alert.opened_at === null ? 0 : now - Date.parse(alert.opened_at);
  const isViewer = useMemberships(mayAct)?.find(({ tenant_id }) => tenant_id === alert.tenant_id)?.role === 'viewer';
  const offered = alert.actions.filter((action) => action.url && safeUrl(action.url));
  const metadata = Object.keys(alert.metadata).length > 0;
  return (
    <div className={styles.body} tabIndex={-1}>
      <h2 className={styles.title} dir="auto">
        {shownText(alert.title)}
      </h2>
      <p className={styles.sub}>
        {alert.status !== 'resolved' && openFor >= MINUTE_MS
          ? t('time.open', { span: spanWords(intl, openFor) })
          : t(`status.${alert.status}`)}
        {alert.occurrences > 1 && <> · {t('list.times', { count: intl.formatNumber(alert.occurrences) })}</>}
      </p>
      {mayAct && !isViewer ? (
        <ActBar alert={alert} me={me} onAct={onAct} />
      ) : (
        <Unbroken fallback={null}>
          <Suspense>
            <ReadOnly because={mayAct ? 'role' : 'scope'} tenant={tenantName ?? alert.tenant_id} />
          </Suspense>
        </Unbroken>
      )}
      {alert.message && <FoldedText text={alert.message} />}
      {offered.length > 0 && (
        <div className={styles.offered} aria-label={t('drawer.actions')} role="group">
          {offered.map(({ label, url }) => (
            <a
              key={`${label} ${url}`}
              href={url}
              target="_blank"
              rel="noopener noreferrer"
              className={buttons.secondary}
            >
              {label}
              <span className={styles.host}>{new URL(url!).host}</span>
              <ExternalLink size={13} aria-hidden />
            </a>
          ))}
        </div>
      )}
      <Told alert={alert} mayAct={mayAct} />
      <dl className={styles.facts} aria-label={t('drawer.facts')}>
        <dt>{t('drawer.service')}</dt>
        <dd className={styles.mono}>{alert.service}</dd>
        {tenantName && (
          <>
            <dt>{t('drawer.tenant')}</dt>
            <dd>{tenantName}</dd>
          </>
        )}
        {alert.name && (
          <>
            <dt>{t('drawer.name')}</dt>
            <dd className={styles.mono}>{alert.name}</dd>
          </>
        )}
        <dt>{t('drawer.firstSeen')}</dt>
        <dd>
          <Ago at={alert.first_seen_at} />
        </dd>
        <dt>{t('drawer.lastSeen')}</dt>
        <dd>
          <Ago at={alert.last_seen_at} />
        </dd>
        <dt>{t('drawer.assignee')}</dt>
        <dd>
          {alert.assignee === null ? (
            <span className={styles.muted}>{t('drawer.nobody')}</span>
          ) : alert.assignee === me ? (
            t('drawer.me')
          ) : (
            nameOf(alert.assignee)
          )}
          {mayAct && (
            <Unbroken fallback={null}>
              <Suspense fallback={null}>
                <AssignTo alert={alert} me={me} onAct={onAct} />
              </Suspense>
            </Unbroken>
          )}
        </dd>
        <dt>{t('drawer.id')}</dt>
        <dd className={styles.id}>
          <code>{alert.alert_id}</code>
          <CopyButton text={alert.alert_id} label={t('empty.copy')} />
        </dd>
      </dl>
      {Object.keys(alert.labels).length > 0 && (
        <ul className={styles.labels} aria-label={t('drawer.labels')}>
          {Object.entries(alert.labels).map(([key, value]) => (
            <li key={key}>
              <button type="button" onClick={() => onLabel(key, value)}>
                <span className={styles.muted}>{key}:</span> {value}
              </button>
            </li>
          ))}
        </ul>
      )}
      <section className={styles.section}>
        <h3>{t('drawer.history')}</h3>
        {mayAct && <NoteForm onNote={(note) => onAct(alert, { act: 'note', note })} />}
        <History alert={alert} />
      </section>
      {metadata && (
        <details className={styles.section}>
          <summary>{t('drawer.metadata')}</summary>
          <Json value={alert.metadata} />
        </details>
      )}
    </div>
  );
}

/** Who was told of the alert beside this page. If that part fails, or cannot be loaded, the other details stay. */
function Told({ alert, mayAct }: { alert: Alert; mayAct: boolean }) {
  const { t } = useWords();
  return (
    <section className={styles.section}>
      <h3>{t('drawer.told')}</h3>
      <Unbroken fallback={<p className={styles.muted}>{t('error.part')}</p>}>
        <Suspense fallback={<div className={styles.skeleton} aria-busy />}>
          <Deliveries alert={alert} mayAct={mayAct} />
        </Suspense>
      </Unbroken>
    </section>
  );
}

function ActBar({ alert, me, onAct }: { alert: Alert; me: string; onAct: Props['onAct'] }) {
  const { t } = useWords();
  const button = (act: AlertAct, words: string, letter: string, icon: ReactNode, primary = false) => (
    <button type="button" className={primary ? buttons.primary : buttons.secondary} onClick={() => onAct(alert, act)}>
      {icon}
      {words}
      <kbd className={styles.key}>{letter}</kbd>
    </button>
  );
  if (alert.status === 'resolved')
    return (
      <div className={styles.acts}>
        {button({ act: 'reopen' }, t('act.reopen'), '⇧R', <RotateCcw size={15} aria-hidden />)}
      </div>
    );
  const mine = alert.assignee === me;
  return (
    <div className={styles.acts}>
      {alert.status === 'acknowledged'
        ? button({ act: 'unacknowledge' }, t('act.unacknowledge'), 'A', <Undo2 size={15} aria-hidden />)
        : button({ act: 'acknowledge' }, t('act.acknowledge'), 'A', <CircleDot size={15} aria-hidden />, true)}
      {button({ act: 'resolve' }, t('act.resolve'), 'R', <CircleCheck size={15} aria-hidden />)}
      <SnoozeMenu alert={alert} onAct={(act) => onAct(alert, act)}>
        <button type="button" className={buttons.secondary} data-snooze>
          <AlarmClock size={15} aria-hidden />
          {t('act.snooze')}
          <kbd className={styles.key}>S</kbd>
        </button>
      </SnoozeMenu>
      {button(
        { act: 'assign', assignee: mine ? null : 'me', from_assignee: alert.assignee },
        t(mine ? 'act.unassign' : 'act.assign'),
        'M',
        <UserRound size={15} aria-hidden />,
      )}
    </div>
  );
}

/** Stands for the details until the server has answered. */
function DrawerSkeleton() {
  const { t } = useWords();
  return (
    <div className={styles.body} role="status" aria-busy data-testid="drawer-skeleton">
      <span className="hidden">{t('drawer.loading')}</span>
      {[0, 1, 2, 3].map((n) => (
        <div key={n} className={styles.skeleton} />
      ))}
    </div>
  );
}
