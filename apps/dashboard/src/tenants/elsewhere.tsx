import { useQueries } from '@tanstack/react-query';
import { BellRing } from 'lucide-react';
import { useAlertsApi } from '@tocsin/react-client';
import banner from '../live/banners.module.css';
import { VIEW_FILTERS } from '../live/place';
import buttons from '../settings/icon-button.module.css';
import { inRequests, MOST_TENANTS } from './scope';
import type { NamedTenant } from './tenant-order';
import { useTenantWords } from './tenant-words';
import { useAllTenants } from './use-all-tenants';

/** Tenants that the stream does not follow bring no entries, so all are counted anew this often. */
const ANEW_MS = 15_000;

interface Props {
  /** The tenants that the page is about. */
  shown: readonly string[];
  tenants: readonly NamedTenant[];
  isPart: boolean;
  onShow(tenants: readonly string[]): void;
  onChoose(): void;
}

/** What the scope leaves out: urgent alerts of other tenants, and tenants that the page does not follow. */
export default function Elsewhere({ shown, tenants, isPart, onShow, onChoose }: Props) {
  const w = useTenantWords();
  const api = useAlertsApi();
  const all = useAllTenants(tenants, isPart);
  const others = all.map(({ tenant_id }) => tenant_id).filter((one) => !shown.includes(one));
  const filter = { severity: ['urgent' as const], status: VIEW_FILTERS.open.status };
  // its key begins like that of the numbers, so that it is counted again when they are
  const answers = useQueries({
    queries: inRequests(others).map((tenant) => ({
      queryKey: ['numbers', 'elsewhere', tenant],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        api.groups({ ...filter, by: 'tenant', order: 'severity', tenant, limit: MOST_TENANTS }, signal),
      refetchInterval: ANEW_MS,
      staleTime: 1_000,
    })),
  });
  const groups = answers.flatMap(({ data }) => data?.groups ?? []);
  const count = groups.reduce((sum, { alerts }) => sum + alerts, 0);
  const isWhole = answers.every(({ data }) => data?.complete ?? true);
  const isNotKnown = answers.some(({ isError, data }) => isError && !data);
  const isChosen = shown.length < MOST_TENANTS || !isPart;
  return (
    <>
      {isPart && !isChosen && (
        <div className={banner.banner} data-testid="showing-some">
          <span className={banner.words}>{w('limit', { count: shown.length, of: all.length })}</span>
          <button type="button" className={buttons.secondary} onClick={onChoose}>
            {w('choose')}
          </button>
        </div>
      )}
      {(count > 0 || isNotKnown) && (
        <div className={banner.banner} role="status" data-testid="elsewhere">
          <BellRing size={16} aria-hidden />
          <span className={banner.words}>
            {count > 0
              ? w('elsewhere', { count, more: isWhole ? '' : '+', of: groups.length })
              : w('elsewhere.notKnown')}
          </span>
          {count > 0 && (
            <button
              type="button"
              className={buttons.secondary}
              onClick={() => onShow(groups.map(({ key }) => key!).slice(0, MOST_TENANTS))}
            >
              {w('show')}
            </button>
          )}
        </div>
      )}
    </>
  );
}
