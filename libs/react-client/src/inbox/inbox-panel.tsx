import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { AlertSearch } from '@tocsin/contracts/wire';
import { useAlertStore, useAlertStream, useConnectionStatus } from '../react/hooks';
import { InboxDetails } from './inbox-details';
import { useFace } from './inbox-face';
import { InboxList } from './inbox-list';
import { InboxTabs, tabId } from './inbox-tabs';
import type { InboxTab } from './inbox-words';
import { useKeptFocus } from './use-kept-focus';

interface Props {
  id: string;
  search: AlertSearch;
  /** The alert whose details are shown; null: the list is. */
  shown: string | null;
  /** Why the last act was refused; null when it was not. */
  refusal: string | null;
  onShown(alertIds: readonly string[]): void;
  onBack(): void;
  onClose(): void;
  onSignIn: (() => void) | undefined;
}

/** Alerts that arrive behind the details of another are not seen yet. */
const ignore = () => undefined;

/** What the bell opens: the state of the connection, the tabs, and the list or the details of an alert. */
export function InboxPanel({ id, search, shown, refusal, onShown, onBack, onClose, onSignIn }: Props): ReactNode {
  const { words } = useFace();
  const stream = useAlertStream();
  const store = useAlertStore();
  const { state, gap } = useConnectionStatus();
  const [tab, setTab] = useState<InboxTab>('all');
  const panel = useRef<HTMLDivElement>(null);
  const listId = `${id}-list`;
  useKeptFocus(panel);

  const [flipped, setFlipped] = useState(false);
  useEffect(() => {
    // a bell near the beginning of the line has no room for a panel that ends where it does
    const { left, right } = panel.current!.getBoundingClientRect();
    setFlipped(left < 0 || right > document.documentElement.clientWidth);
  }, []);

  const before = useRef(shown);
  useEffect(() => {
    const left = before.current;
    before.current = shown;
    if (left === null || shown !== null) return;
    // back in the list the focus is where the details were opened
    const at = panel.current;
    const opener = ['details', 'title'].map((name) =>
      at?.querySelector<HTMLElement>(`[data-tocsin-${name}="${CSS.escape(left)}"]`),
    );
    (opener.find(Boolean) ?? at)?.focus();
  }, [shown]);

  const advice = words.advice[state];
  return (
    <div
      ref={panel}
      id={id}
      className={flipped ? 'tocsin-panel tocsin-flipped' : 'tocsin-panel'}
      role="dialog"
      aria-label={words.title}
      tabIndex={-1}
      onKeyDown={({ key }) => key === 'Escape' && onClose()}
    >
      <header>
        <strong>{words.title}</strong>
        <span role="status">{words.state[state]}</span>
        {state === 'signed_out' && (
          <button type="button" onClick={onSignIn ?? (() => stream.reconnect())}>
            {words.signIn}
          </button>
        )}
        <button type="button" className="tocsin-plain" aria-label={words.close} onClick={onClose}>
          ×
        </button>
      </header>
      {advice && <p className="tocsin-notice">{advice}</p>}
      {gap && (
        <p className="tocsin-notice" role="status">
          {words.missed(gap.missed)}{' '}
          <button type="button" onClick={() => void store.reloadAll()}>
            {words.reload}
          </button>
        </p>
      )}
      {refusal !== null && (
        <p className="tocsin-notice" role="alert">
          {refusal}
        </p>
      )}
      {shown !== null && <InboxDetails alertId={shown} back={onBack} />}
      {/* the list stays while details are shown, so that it keeps its place */}
      <div hidden={shown !== null}>
        <InboxTabs panelId={listId} chosen={tab} choose={setTab} />
        <div id={listId} role="tabpanel" aria-labelledby={tabId(listId, tab)}>
          <InboxList key={tab} tab={tab} search={search} onShown={shown === null ? onShown : ignore} />
        </div>
      </div>
    </div>
  );
}
