import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { toast } from 'sonner';
import { ApiProblem, useAlertsApi } from '@tocsin/react-client';
import type { Alert, Delivery } from '@tocsin/contracts/wire';
import { useMemberships } from '../session/use-memberships';
import { onServer, serverNow } from '../words/clock';
import { momentWords } from '../words/time-words';
import { useWords } from '../words/words';
import { DeliveryRow } from './delivery-row';
import { askAgainMs, isDead, tallyOf } from './delivery-state';
import { useDeliveryWords } from './delivery-words';
import styles from './deliveries.module.css';
import drawer from './drawer.module.css';

/** How many deliveries are listed before the user asks for all: a flood of changes may have made hundreds. */
const LISTED = 8;
const SECOND_MS = 1_000;
/** The role that may only read. */
const VIEWER = 'viewer';

/**
 * Who was told of an alert: each delivery with its attempts. It asks again while one of them may change, and when the
 * alert has a newer entry, since an act may cancel some and a louder alert plans more.
 */
export default function Deliveries({ alert, mayAct }: { alert: Alert; mayAct: boolean }) {
  const { t, intl } = useWords();
  const say = useDeliveryWords();
  const api = useAlertsApi();
  const [showsAll, setShowsAll] = useState(false);
  const { data, error, isPending, dataUpdatedAt, refetch } = useQuery({
    queryKey: ['deliveries', alert.alert_id, alert.last_seq],
    queryFn: ({ signal }) => api.deliveries(alert.alert_id, signal),
    refetchInterval: ({ state }) =>
      // what the server refuses for good is not asked for again by itself
      state.error instanceof ApiProblem && !state.error.passes
        ? false
        : askAgainMs(state.data, state.error !== null, serverNow()),
    // a browser that says it is offline may still reach the server; if not, the failure is shown and not a wait without
    // end
    networkMode: 'always',
    staleTime: 0,
    placeholderData: (before, query) => (query?.queryKey[1] === alert.alert_id ? before : undefined),
  });
  const mayRedrive = useMayRedrive(alert, mayAct, data);
  const now = useSeconds(data?.some(({ due_at }) => due_at !== null) ?? false);
  const retry = (
    <button type="button" className={drawer.textButton} onClick={() => void refetch()}>
      {t('error.retry')}
    </button>
  );
  if (isPending) return <div className={drawer.skeleton} aria-busy />;
  if (!data)
    return (
      <p className={drawer.muted} role="alert" data-testid="deliveries-not-known">
        {say('notKnown')} {error?.message} {retry}
      </p>
    );
  if (data.length === 0 && !error)
    return (
      <p className={drawer.muted} data-testid="deliveries-none">
        {say('none')} {say('none.why')}
      </p>
    );
  const again = async ({ delivery_id }: Delivery, mayRepeat: boolean) => {
    await api
      .redrive(delivery_id, { mayRepeat })
      .catch((failure: Error) => toast.error(t('error.title'), { description: failure.message }));
    await refetch();
  };
  const listed = showsAll ? data : data.slice(0, LISTED);
  return (
    <>
      <p className={styles.tally} role="status" data-number>
        {tallyOf(data)
          .map(([kind, count]) => say(`tally.${kind}`, { count }))
          .join(' · ')}
      </p>
      {error && (
        <p className={styles.stale} role="alert" data-testid="deliveries-stale">
          {say('notKnown.since', { time: momentWords(intl, onServer(dataUpdatedAt), serverNow()) })} {error.message}{' '}
          {retry}
        </p>
      )}
      <ul className={styles.deliveries} data-testid="deliveries">
        {listed.map((delivery) => (
          <DeliveryRow
            key={delivery.delivery_id}
            delivery={delivery}
            now={now}
            onAgain={mayRedrive && isDead(delivery) ? (mayRepeat) => again(delivery, mayRepeat) : null}
          />
        ))}
      </ul>
      {data.length > listed.length && (
        <button type="button" className={drawer.textButton} onClick={() => setShowsAll(true)}>
          {say('more', { count: data.length })}
        </button>
      )}
    </>
  );
}

/**
 * Whether the user may send a delivery of the alert again, and the server would: it cancels those of an alert that is
 * taken or over. False until the role is known.
 */
function useMayRedrive(alert: Alert, mayAct: boolean, deliveries: readonly Delivery[] | undefined): boolean {
  const matters = mayAct && alert.status === 'firing' && (deliveries?.some(isDead) ?? false);
  const role = useMemberships(matters)?.find(({ tenant_id }) => tenant_id === alert.tenant_id)?.role;
  return matters && role !== undefined && role.toLowerCase() !== VIEWER;
}

/** The time by the server's clock, in milliseconds; updated each second while something is counted down. */
function useSeconds(counts: boolean): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (!counts) return;
    setNow(serverNow());
    const timer = setInterval(() => setNow(serverNow()), SECOND_MS);
    return () => clearInterval(timer);
  }, [counts]);
  return now;
}
