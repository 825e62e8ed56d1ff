import { createContext, useContext, useEffect, useState } from 'react';
import type { Alert, AlertAct } from '@tocsin/contracts/wire';
import { nameOf } from '../alerts/name-of';
import { ENGLISH } from './english';
import type { InboxWords } from './inbox-words';
import { SPANISH } from './spanish';

/** What all parts of an inbox show alerts with. */
export interface InboxFace {
  words: InboxWords;
  /** The locale of times that are written out; undefined: the browser's own. */
  locale: string | undefined;
  /** The present time by the server's clock, in milliseconds. */
  now: number;
  /** The signed-in user; undefined until it is known. */
  user: string | undefined;
  /** The name of the alert's tenant when the user has several; else null. */
  tenantOf(alert: Pick<Alert, 'tenant_id'>): string | null;
  /** The address of the alert on the application's own pages. */
  href: ((alert: Alert) => string) | undefined;
  onOpen: ((alertId: string) => void) | undefined;
  /** Shows an alert's details inside the inbox. */
  showDetails(alertId: string): void;
  /** Acts on an alert. Resolves to whether it was done; if not, the inbox has said why. */
  act(alertId: string, act: AlertAct): Promise<boolean>;
}

export const FaceContext = createContext<InboxFace | null>(null);

export function useFace(): InboxFace {
  const face = useContext(FaceContext);
  if (!face) throw new Error('The parts of the inbox work inside <AlertInbox>.');
  return face;
}

/** The built-in texts for a locale: Spanish for `es` and its regions, else English. */
export const wordsFor = (locale: string | undefined): InboxWords =>
  locale?.toLowerCase().split('-')[0] === 'es' ? SPANISH : ENGLISH;

/** How often relative times are written anew. */
const TICK_MS = 15_000;

/** The present time by the server's clock, in milliseconds, updated every 15 s while `runs`. */
export function useServerNow(runs: boolean, clockOffsetMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!runs) return;
    const tick = () => setNow(Date.now());
    tick();
    const timer = setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }, [runs]);
  return now + clockOffsetMs;
}

/** A user's name, or "you". */
export const personIn = ({ words, user }: InboxFace, who: string): string => (who === user ? words.you : nameOf(who));
