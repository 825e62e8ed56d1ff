import { useEffect } from 'react';
import { useMemberships } from '../session/use-memberships';
import { followedOf } from './scope';

interface Props {
  scope: readonly string[];
  followed: readonly string[] | undefined;
  onFollow(tenants: readonly string[]): void;
}

/**
 * For a user with more tenants than one stream covers: chooses the tenants that the stream follows. It renders nothing.
 */
export default function FollowSome({ scope, followed, onFollow }: Props) {
  const memberships = useMemberships(true);
  useEffect(() => {
    if (!memberships) return;
    const mine = memberships.map(({ tenant_id }) => tenant_id);
    const next = followedOf(mine, scope, followed);
    if (next.join() !== followed?.join()) onFollow(next);
  }, [memberships, scope, followed, onFollow]);
  return null;
}
