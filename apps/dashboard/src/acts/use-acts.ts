import { useCallback, useMemo, useRef, useState } from 'react';
import { toast, type ExternalToast } from 'sonner';
import { useAlertStore, type ActRefused } from '@tocsin/react-client';
import type { Act, Alert, AlertAct } from '@tocsin/contracts/wire';
import { useWords } from '../words/words';

/** How long the toast of an act offers "Undo". The key undoes the last act until the next one. */
const UNDO_MS = 8_000;
/** An act on more alerts than this needs a confirmation. */
const ASK_BEYOND = 100;
const REFUSED_MS = 10_000;
/** How many of the refused alerts the message names. */
const NAMED = 3;

/** Whether the device has a keyboard: a phone has no Z to press. */
const hasKeys = (): boolean => !matchMedia('(pointer: coarse)').matches;

/**
 * The acts that undo an act, in their order, for an alert as it was before. Empty: the act cannot be undone, like a
 * note.
 */
function inversesOf({ act }: AlertAct, before: Alert): readonly AlertAct[] {
  // the first inverse leads to `firing`, and this one from there to the status before
  const then: readonly AlertAct[] =
    before.status === 'acknowledged'
      ? [{ act: 'acknowledge' }]
      : before.status === 'snoozed' && before.snoozed_until
        ? [{ act: 'snooze', until: before.snoozed_until }]
        : [];
  const back: Record<Act, AlertAct | readonly AlertAct[]> = {
    // the acknowledgement may have assigned the alert, and only its own inverse takes that back
    acknowledge: [{ act: 'unacknowledge' }, ...then],
    unacknowledge: { act: 'acknowledge' },
    resolve: [{ act: 'reopen' }, ...then],
    reopen: { act: 'resolve' },
    snooze: before.status === 'snoozed' ? then : [{ act: 'unsnooze' }, ...then],
    unsnooze: then,
    assign: { act: 'assign', assignee: before.assignee },
    note: [],
  };
  return [back[act]].flat();
}

/** Whether an act would change the alert. A bulk act skips the alerts that it would not change. */
function applies({ act }: AlertAct, { status }: Alert): boolean {
  if (act === 'acknowledge') return status === 'firing' || status === 'snoozed';
  if (act === 'unacknowledge') return status === 'acknowledged';
  if (act === 'reopen') return status === 'resolved';
  if (act === 'unsnooze') return status === 'snoozed';
  if (act === 'resolve' || act === 'snooze') return status !== 'resolved';
  return true;
}

/** A question before an act on many alerts. */
export interface Asked {
  act: Act;
  count: number;
  answer(yes: boolean): void;
}

export interface Acts {
  /** Does the act, if it is one on many alerts only after the user's yes, and then calls `afterwards`. */
  perform(alerts: readonly Alert[], act: AlertAct, afterwards?: () => void): void;
  undo(): void;
  /** The question that waits for an answer; null: none does. */
  asked: Asked | null;
}

/** Does acts at once and shows a toast. "Undo" does the inverse act, so both are in the alert's history. */
export function useActs(onDone: (alertIds: readonly string[]) => void): Acts {
  const { t } = useWords();
  const store = useAlertStore();
  const last = useRef<(() => void) | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  /** The bar that says what was done last. A newer one takes its place, so that they never pile up over the list. */
  const bar = useRef<string | number>(undefined);
  const closeBar = useCallback(() => {
    // without an id all toasts would close
    if (bar.current !== undefined) toast.dismiss(bar.current);
  }, []);
  const showBar = useCallback(
    (words: string, options: ExternalToast) => {
      closeBar();
      // an id of its own: one that is reused while its bar fades away would fade with it
      return (bar.current = toast(words, { ...options, position: 'bottom-center' }));
    },
    [closeBar],
  );

  /**
   * Shows how many alerts were refused, which and why, and offers a retry. After a conflict it offers none, because the
   * row already shows what the other user did.
   */
  const notDone = useCallback(
    (
      refused: readonly ActRefused[],
      {
        of = refused.length,
        titleOf,
        retry,
      }: { of?: number; titleOf?(alertId: string): string | undefined; retry?: () => void } = {},
    ) => {
      const conflict = refused.every(({ code }) => code === 'alert_conflict');
      const alone = of === 1;
      const names = alone || !titleOf ? [] : refused.slice(0, NAMED).flatMap(({ alert_id }) => titleOf(alert_id) ?? []);
      const reasons = [...new Set(refused.map(({ detail }) => detail))].slice(0, NAMED);
      toast.error(alone && conflict ? t('failed.conflict') : t('failed.some', { count: refused.length, of }), {
        description:
          [
            ...names.map((name) => `“${name}”`),
            ...(refused.length > NAMED && names.length > 0
              ? [t('failed.others', { count: refused.length - NAMED })]
              : []),
          ].join(', ') +
          (names.length > 0 ? ': ' : '') +
          reasons.join(' '),
        duration: REFUSED_MS,
        position: 'bottom-center',
        ...(retry && !conflict && { action: { label: t('error.retry'), onClick: retry } }),
      });
    },
    [t],
  );
  const perform = useCallback(
    (alerts: readonly Alert[], what: AlertAct, afterwards: () => void = () => undefined, confirmed = false): void => {
      const meant = alerts.filter((alert) => applies(what, alert));
      if (meant.length > ASK_BEYOND && !confirmed) {
        const answer = (yes: boolean) => {
          setAsked(null);
          if (yes) perform(meant, what, afterwards, true);
        };
        setAsked({ act: what.act, count: meant.length, answer });
        return;
      }
      afterwards();
      if (meant.length === 0) return;
      const ids = meant.map(({ alert_id }) => alert_id);
      onDone(ids);
      const undoing = meant.flatMap((before) => {
        const inverses = inversesOf(what, before);
        return inverses.length > 0 ? [{ id: before.alert_id, inverses }] : [];
      });
      const acting = store.act(ids, what);
      const undo = () => {
        last.current = null;
        closeBar();
        // waits for the act itself, because the inverse of an act that is not done yet is a conflict. One call for all
        // alerts with the same inverses; most often there is only one.
        void acting.then(async ({ refused: neverDone }) => {
          const untouched = new Set(neverDone.map(({ alert_id }) => alert_id));
          const groups = new Map<string, { inverses: readonly AlertAct[]; ids: string[] }>();
          for (const { id, inverses } of undoing) {
            if (untouched.has(id)) continue;
            const key = JSON.stringify(inverses);
            const group = groups.get(key) ?? { inverses, ids: [] };
            group.ids.push(id);
            groups.set(key, group);
          }
          const outcomes = await Promise.all(
            [...groups.values()].map(async ({ inverses, ids: those }) => {
              const refusals: ActRefused[] = [];
              for (const inverse of inverses) {
                const left = those.filter((id) => !refusals.some(({ alert_id }) => alert_id === id));
                if (left.length > 0) refusals.push(...(await store.act(left, inverse)).refused);
              }
              return refusals;
            }),
          );
          const refused = outcomes.flat();
          if (refused.length > 0) notDone(refused, { of: undoing.length });
          else showBar(t('did.undone'), { duration: 2_000 });
        });
      };
      last.current = undoing.length > 0 ? undo : null;
      const shown = showBar(t(`did.${what.act}`, { count: ids.length }), {
        duration: UNDO_MS,
        ...(undoing.length > 0 && {
          action: { label: hasKeys() ? `${t('act.undo')} (Z)` : t('act.undo'), onClick: undo },
        }),
      });
      void acting.then(({ refused }) => {
        if (refused.length === 0) return;
        if (refused.length === ids.length) {
          if (last.current === undo) last.current = null;
          toast.dismiss(shown);
        }
        const again = new Set(refused.map(({ alert_id }) => alert_id));
        const titles = new Map(meant.map(({ alert_id, title }) => [alert_id, title]));
        notDone(refused, {
          of: ids.length,
          titleOf: (id) => titles.get(id),
          retry: () =>
            perform(
              meant.filter(({ alert_id }) => again.has(alert_id)),
              what,
            ),
        });
      });
    },
    [store, notDone, onDone, closeBar, showBar, t],
  );
  const undo = useCallback(() => last.current?.(), []);
  return useMemo(() => ({ perform, undo, asked }), [perform, undo, asked]);
}
