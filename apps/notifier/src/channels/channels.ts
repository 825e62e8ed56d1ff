import { CHANNELS, type Channel } from '@tocsin/contracts/wire';
import type { Log } from '@tocsin/observability';
import type { DeliveryChannel } from './delivery-channel';
import { UnconfiguredChannel } from './unconfigured.channel';

/** The settings of all channels. Each channel declares its own beside it and adds one line here. */
export const channelSettings = {};

/** What channels may be made from, beside their settings. */
export interface ChannelParts {
  log: Log;
}

/** The channels that are configured: one line for each channel; undefined when it has no provider. */
const configuredChannels = (_config: object, _parts: ChannelParts): (DeliveryChannel | undefined)[] => [];

/** Every channel. One without a provider fails its deliveries at once as `not_configured`. */
export function channelsFrom(config: object, parts: ChannelParts): DeliveryChannel[] {
  const configured = configuredChannels(config, parts).filter((channel) => channel !== undefined);
  const missing = CHANNELS.filter((kind) => !configured.some(({ channel }) => channel === kind));
  if (missing.length > 0)
    parts.log.warn({ channels: missing }, 'channels have no provider: their deliveries fail as not_configured');
  return [...configured, ...missing.map((kind) => new UnconfiguredChannel(kind))];
}

/** The names of the channels that have a provider. */
export const configuredOf = (channels: readonly DeliveryChannel[]): Channel[] =>
  channels.filter((channel) => !(channel instanceof UnconfiguredChannel)).map(({ channel }) => channel);
