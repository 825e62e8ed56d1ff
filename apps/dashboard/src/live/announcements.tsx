import { useEffect, useRef, useState } from 'react';
import { useAlertStream } from '@tocsin/react-client';
import type { Entry } from '@tocsin/contracts/wire';
import { useWords } from '../words/words';
import { interrupts } from './toast-plan';

/** With more frequent announcements a screen reader would never finish a sentence. */
const EVERY_MS = 5_000;

/**
 * Announces new alerts of the tenants in scope to screen readers: urgent ones at once, and a summary politely at most
 * every 5 s.
 */
export function Announcements({ inScope }: { inScope(tenantId: string): boolean }) {
  const { t } = useWords();
  const [polite, setPolite] = useState('');
  const [urgent, setUrgent] = useState('');
  const heard = useRef<Entry[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  useAlertStream({
    entry: (entry, { replayed }) => {
      if (replayed || !interrupts(entry) || !inScope(entry.tenant_id)) return;
      if (entry.severity === 'urgent') setUrgent(t('live.urgent', { title: entry.title, service: entry.service }));
      heard.current.push(entry);
      timer.current ??= setTimeout(() => {
        const all = heard.current.splice(0);
        timer.current = undefined;
        setPolite(
          t('live.new', {
            count: all.length,
            urgent: all.filter(({ severity }) => severity === 'urgent').length,
            title: all.at(-1)!.title,
          }),
        );
      }, EVERY_MS);
    },
  });
  return (
    <>
      <div className="hidden" aria-live="polite">
        {polite}
      </div>
      <div className="hidden" aria-live="assertive">
        {urgent}
      </div>
    </>
  );
}
