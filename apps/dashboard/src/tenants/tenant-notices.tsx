import { lazy } from 'react';
import { Late } from '../live/late';
import type { NamedTenant } from './tenant-order';
import type { Scope } from './use-scope';

const Elsewhere = lazy(() => import('./elsewhere'));
const FollowSome = lazy(() => import('./follow-some'));

interface Props {
  scope: Scope;
  tenants: readonly NamedTenant[];
  /** The tenants of the stream, if the user has more than it covers; undefined: all. */
  followed: readonly string[] | undefined;
  /** Whether the server has refused the stream for its number of tenants. */
  areTooMany: boolean;
  onShow(tenants: readonly string[]): void;
  onChoose(): void;
  onFollow(tenants: readonly string[]): void;
}

/** The lines above the list that say what its scope leaves out, for a user with several tenants. */
export function TenantNotices({ scope, tenants, followed, areTooMany, onShow, onChoose, onFollow }: Props) {
  const isPart = followed !== undefined;
  const several = tenants.length > 1 || isPart;
  return (
    <Late>
      {several && scope.asked && (
        <Elsewhere shown={scope.asked} tenants={tenants} isPart={isPart} onShow={onShow} onChoose={onChoose} />
      )}
      {(isPart || areTooMany) && <FollowSome scope={scope.tenants} followed={followed} onFollow={onFollow} />}
    </Late>
  );
}
