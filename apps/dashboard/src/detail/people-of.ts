import type { Alert } from '@tocsin/contracts/wire';

/** An actor that acted by a link or a text message is an address, and nothing can be assigned to it. */
const IS_ADDRESS = /^(email|sms|whatsapp):/;

/**
 * The users who had or took these alerts, without `me`, the most frequent first. The API does not list the users of a
 * tenant, so these are the ones that are known.
 */
export function peopleOf(alerts: readonly Pick<Alert, 'assignee' | 'actor'>[], me: string): string[] {
  const counts = new Map<string, number>();
  for (const { assignee, actor } of alerts)
    for (const user of new Set([assignee, actor]))
      if (user !== null && user !== me && !IS_ADDRESS.test(user)) counts.set(user, (counts.get(user) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || a.localeCompare(b)).map(([user]) => user);
}
