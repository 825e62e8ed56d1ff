import { useState } from 'react';
import { TriangleAlert } from 'lucide-react';
import { useQuery } from '@tanstack/react-query';
import { useAlertsApi } from '@tocsin/react-client';
import type { DeadLetterPage } from '@tocsin/contracts/wire';
import { Banner } from '../live/banners';
import { Ago, useNow } from '../words/clock';
import { useWords } from '../words/words';
import { firstRefusal } from './first-refusal';
import { reasonWord, useRefusedWords } from './refused-words';
import { useDeciding, useRefusedSummary } from './use-refused';

/** How many of the newest letters are read: enough for a day of services that send few wrong messages. */
const READ = 100;

/**
 * Says that a service has sent its first refused message within a day: it was probably just changed. Says nothing where
 * that is not known. The line goes when it is dismissed, and after an hour.
 */
export default function FirstRefusalNotice({ isOperator, onWhy }: { isOperator: boolean; onWhy(): void }) {
  const { t } = useWords();
  const say = useRefusedWords();
  const api = useAlertsApi();
  const deciding = useDeciding(isOperator);
  const { summary } = useRefusedSummary();
  const newest = summary?.newest?.dead_letter_id;
  const [dismissed, setDismissed] = useState(0);
  const now = useNow();
  const { data } = useQuery({
    queryKey: ['refused', 'newest', newest],
    queryFn: ({ signal }) =>
      api.call<DeadLetterPage>('GET', '/dead-letters', {
        query: { order: 'newest', status: 'all', limit: READ },
        signal,
      }),
    enabled: newest !== undefined && deciding !== undefined && !deciding.none,
    networkMode: 'always',
  });
  const first = data && firstRefusal(data.items, data.cursor === null, now);
  if (!first || first.letter.dead_letter_id <= dismissed) return null;
  const { service, letter, letters } = first;
  return (
    <Banner
      testId="first-refusal"
      icon={<TriangleAlert size={16} aria-hidden />}
      first={[say('notice.why'), onWhy]}
      second={[t('dismiss'), () => setDismissed(letter.dead_letter_id)]}
    >
      {say('first', { service })} (<Ago at={letter.buried_at} />
      ): {say(reasonWord(letter.reason))}
      {letters > 1 && ` (${say('first.more', { count: letters - 1 })})`}
    </Banner>
  );
}
