import { useQuery } from '@tanstack/react-query';
import { useAlertsApi } from '@tocsin/react-client';
import type { RefusedMessage, RefusedMessageWithBody } from '@tocsin/contracts/wire';
import { useWords } from '../words/words';
import { offendingPlace } from './offending-place';
import { useRefusedWords } from './refused-words';
import styles from './refused.module.css';

/** A refused message with its body, which never changes. */
export function useWholeLetter({ dead_letter_id }: RefusedMessage, matters: boolean) {
  const api = useAlertsApi();
  return useQuery({
    queryKey: ['refused-body', dead_letter_id],
    queryFn: ({ signal }) => api.call<RefusedMessageWithBody>('GET', `/dead-letters/${dead_letter_id}`, { signal }),
    enabled: matters,
    staleTime: Infinity,
  });
}

/** The message as it came, with the place that was refused marked. */
export function LetterBody({ letter }: { letter: RefusedMessageWithBody }) {
  const { intl } = useWords();
  const say = useRefusedWords();
  const { body, body_encoding, body_bytes, detail, truncated } = letter;
  const place = body_encoding === 'utf8' && !truncated ? offendingPlace(body, detail) : null;
  return (
    <>
      <pre className={styles.body} tabIndex={0} aria-label={say('body')} data-testid="letter-body">
        {place ? (
          <>
            {body.slice(0, place.start)}
            <mark>{body.slice(place.start, place.end)}</mark>
            {body.slice(place.end)}
          </>
        ) : (
          body
        )}
      </pre>
      <p className={styles.muted}>
        {place && `${say('body.marked')} `}
        {body_encoding === 'base64' && `${say('body.bytes', { count: intl.formatNumber(body_bytes) })} `}
        {truncated && say('body.truncated')}
      </p>
    </>
  );
}
