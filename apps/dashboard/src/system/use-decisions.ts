import { useQueryClient } from '@tanstack/react-query';
import { toast } from 'sonner';
import { useAlertsApi } from '@tocsin/react-client';
import type { RefusedMessage } from '@tocsin/contracts/wire';
import { useWords } from '../words/words';
import { useRefusedWords } from './refused-words';

/** The outcome of a decision on many letters; one call decides at most 500. */
interface Settled {
  settled: number;
  failed: number;
  left: number;
}

type Act = 'redrive' | 'discard';

/** The decisions on refused messages. Each tells its outcome in a toast, and the lists and numbers are loaded again. */
export function useDecisions() {
  const { t, intl } = useWords();
  const say = useRefusedWords();
  const api = useAlertsApi();
  const queries = useQueryClient();
  const decide = async (path: string, body: object | undefined, words: (answer: Settled) => string) => {
    try {
      toast(words(await api.call<Settled>('POST', `/dead-letters${path}`, { body })));
    } catch (error) {
      toast.error(t('error.title'), { description: (error as Error).message });
    }
    // also after a failure: another user may have decided first
    await queries.invalidateQueries({ queryKey: ['refused'] });
  };
  return {
    one: ({ dead_letter_id }: RefusedMessage, act: Act, note: string) =>
      decide(`/${dead_letter_id}/${act}`, act === 'discard' ? { note } : undefined, () =>
        say(act === 'discard' ? 'discarded' : 'redriven'),
      ),
    /** `up_to`: the newest letter that the user saw. What came after it stays. */
    many: (which: { reason: string | null; up_to: number }, act: Act, note: string) =>
      decide(`/${act}`, { ...which, ...(act === 'discard' && { note }) }, ({ settled, failed, left }) =>
        [
          say('many.done', { count: intl.formatNumber(settled), left: intl.formatNumber(left) }),
          ...(failed > 0 ? [say('many.failed', { count: intl.formatNumber(failed) })] : []),
        ].join(' '),
      ),
  };
}
