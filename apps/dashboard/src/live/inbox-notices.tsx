import { lazy } from 'react';
import { tenantText } from '../tenants/scope';
import { TenantNotices } from '../tenants/tenant-notices';
import { CatchUpBanner, GapBanner, RevokedBanner } from './banners';
import { Late } from './late';
import type { InboxState } from './use-inbox';

/** Loaded for those who may see refused messages. */
const FirstRefusalNotice = lazy(() => import('../system/first-refusal-notice'));

/** What the user has to know before reading on: what is missing, what came meanwhile, what is out of scope. */
export function InboxNotices({ inbox }: { inbox: InboxState }) {
  const { status, gapSince, tenants, caughtUp, seen, covered, followed, move, setOverlay, onFollow, systemViews } =
    inbox;
  const { list, showFresh } = inbox.listed;
  return (
    <>
      {status.gap && <GapBanner gap={status.gap} since={gapSince} onLoad={() => void list.reload()} />}
      {tenants.revoked && <RevokedBanner tenant={tenants.revoked} onDismiss={tenants.dismiss} />}
      {caughtUp.missed && (
        <CatchUpBanner
          {...caughtUp.missed}
          onShow={() => {
            showFresh();
            // ten low ones would hide the urgent one below them
            const order = caughtUp.missed?.urgent ? 'severity' : 'newest';
            move({ view: 'open', q: '', order, group: 'none' });
            caughtUp.told();
          }}
          onSeen={() => {
            seen.seeAll();
            caughtUp.seen();
          }}
        />
      )}
      <TenantNotices
        scope={covered}
        tenants={tenants.all}
        followed={followed}
        areTooMany={status.reason === 'too_many_tenants'}
        onShow={(others) => move({ tenant: tenantText(others), view: 'open', q: 'severity:urgent', overview: null })}
        onChoose={() => setOverlay('tenants')}
        onFollow={onFollow}
      />
      {systemViews.includes('refused') && inbox.system !== 'refused' && (
        <Late>
          <FirstRefusalNotice isOperator={inbox.operates} onWhy={() => inbox.moves.goToSystem('refused')} />
        </Late>
      )}
    </>
  );
}
