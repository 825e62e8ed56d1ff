import { CHANNELS, type Channel } from '@tocsin/contracts/wire';
import type { StartReport } from '@tocsin/observability';

/** Which channels of a notifier have a provider, and what is missing. */
export function notifierReport(
  channels: readonly Channel[],
  { PUBLIC_URL }: { PUBLIC_URL?: string | undefined },
): StartReport {
  const missing = CHANNELS.filter((channel) => !channels.includes(channel));
  return {
    enabled: channels,
    warnings: [
      ...(missing.length > 0
        ? [`no provider for ${missing.join(', ')}: deliveries over them fail as not_configured`]
        : []),
      ...(PUBLIC_URL ? [] : ['PUBLIC_URL is unset: messages have no link to the alert, and none to acknowledge it']),
    ],
  };
}
