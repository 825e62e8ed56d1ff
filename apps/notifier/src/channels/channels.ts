import { CHANNELS, type Channel } from '@tocsin/contracts/wire';
import type { WebhookEndpoints } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import type { DeliveryChannel } from './delivery-channel';
import { UnconfiguredChannel } from './unconfigured.channel';
import { webhookChannelFrom, webhookSettings, type WebhookConfig } from './webhook/webhook-settings';

/** The settings of all channels. Each channel declares its own beside it and adds one line here. */
export const channelSettings = { ...webhookSettings };

/** What channels may be made from, beside their settings. */
export interface ChannelParts {
  log: Log;
  webhookEndpoints: WebhookEndpoints;
}

/** What the settings of all channels are read as. */
type ChannelConfig = WebhookConfig;

/** The channels that are configured: one line for each channel; undefined when it has no provider. */
const configuredChannels = (config: ChannelConfig, parts: ChannelParts): (DeliveryChannel | undefined)[] => [
  webhookChannelFrom(config, parts.webhookEndpoints, parts.log),
];

/** Every channel. One without a provider fails its deliveries at once as `not_configured`. */
export function channelsFrom(config: ChannelConfig, parts: ChannelParts): DeliveryChannel[] {
  const configured = configuredChannels(config, parts).filter((channel) => channel !== undefined);
  const missing = CHANNELS.filter((kind) => !configured.some(({ channel }) => channel === kind));
  if (missing.length > 0)
    parts.log.warn({ channels: missing }, 'channels have no provider: their deliveries fail as not_configured');
  return [...configured, ...missing.map((kind) => new UnconfiguredChannel(kind))];
}

/** The names of the channels that have a provider. */
export const configuredOf = (channels: readonly DeliveryChannel[]): Channel[] =>
  channels.filter((channel) => !(channel instanceof UnconfiguredChannel)).map(({ channel }) => channel);
