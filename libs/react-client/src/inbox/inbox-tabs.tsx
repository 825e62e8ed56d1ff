import type { KeyboardEvent, ReactNode } from 'react';
import { useFace } from './inbox-face';
import { INBOX_TABS, type InboxTab } from './inbox-words';

interface Props {
  /** The id of the tab panel; the id of each tab begins with it. */
  panelId: string;
  chosen: InboxTab;
  choose(tab: InboxTab): void;
}

export const tabId = (panelId: string, tab: InboxTab): string => `${panelId}-${tab}`;

/** All, Mine, Urgent. The arrow keys move between them. */
export function InboxTabs({ panelId, chosen, choose }: Props): ReactNode {
  const { words } = useFace();
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = INBOX_TABS.at((INBOX_TABS.indexOf(chosen) + step) % INBOX_TABS.length)!;
    choose(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-tocsin-tab="${next}"]`)?.focus();
  };
  return (
    <div className="tocsin-tabs" role="tablist" aria-label={words.title} onKeyDown={onKeyDown}>
      {INBOX_TABS.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={tabId(panelId, tab)}
          data-tocsin-tab={tab}
          aria-selected={tab === chosen}
          aria-controls={panelId}
          tabIndex={tab === chosen ? 0 : -1}
          onClick={() => choose(tab)}
        >
          {words.tabs[tab]}
        </button>
      ))}
    </div>
  );
}
