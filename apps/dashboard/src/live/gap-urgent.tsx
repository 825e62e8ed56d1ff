import { useQuery } from '@tanstack/react-query';
import { useAlertsApi, type Gap } from '@tocsin/react-client';
import { useLateWords, type LateWords } from '../words/late-words';
import { VIEW_FILTERS } from './place';

const WORDS: LateWords<'urgent'> = {
  en: {
    urgent: ' · {count, plural, one {#{more} new urgent alert is open} other {#{more} new urgent alerts are open}}',
  },
  es: {
    urgent:
      ' · {count, plural, one {#{more} alerta urgente nueva está abierta} other {#{more} alertas urgentes nuevas están abiertas}}',
  },
};

/**
 * How many urgent alerts of the gap's tenants began after `since` (the server's clock, in milliseconds) and are open.
 * The missed entries themselves cannot be read, but the server counts what they have led to. Nothing is said while the
 * number is not known.
 */
export default function GapUrgent({ gap, since }: { gap: Gap; since: number }) {
  const api = useAlertsApi();
  const say = useLateWords(WORDS);
  const search = {
    status: [...VIEW_FILTERS.open.status],
    severity: ['urgent' as const],
    tenant: gap.tenants.map(({ tenant_id }) => tenant_id),
    from: new Date(since).toISOString(),
  };
  const { data: facets } = useQuery({
    // `numbers` is asked again after entries
    queryKey: ['numbers', 'gap', search],
    queryFn: ({ signal }) =>
      api.list({ ...search, facets: true, limit: 1 }, signal).then((page) => page.facets ?? null),
  });
  if (!facets) return null;
  // the server counts so far and no further
  return say('urgent', { count: facets.severity['urgent'] ?? 0, more: facets.complete ? '' : '+' });
}
