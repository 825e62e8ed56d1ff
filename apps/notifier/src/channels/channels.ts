import { CHANNELS, type Channel } from '@tocsin/contracts/wire';
import type { SignedLinks } from '@tocsin/auth';
import type { PushSubscriptions, Unsubscribes, WebhookEndpoints } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { publicUrlSetting, pushSettings, twilioSettings } from '@tocsin/phones';
import type { z } from 'zod';
import type { Breakers } from '../breakers';
import type { OutboxFolder } from '../outbox/outbox-folder';
import type { DeliveryChannel } from './delivery-channel';
import { emailChannelFrom } from './email.channel';
import { emailSettings } from './email-settings';
import { OutboxChannel } from './outbox.channel';
import { pushChannel } from './push.channel';
import { twilioChannels } from './twilio.channel';
import { UnconfiguredChannel } from './unconfigured.channel';
import { webhookChannelFrom, webhookSettings } from './webhook/webhook-settings';

/** The settings of all channels. Each channel declares its settings in a file of its own, and adds one line here. */
export const channelSettings = {
  ...publicUrlSetting,
  ...emailSettings,
  ...twilioSettings,
  ...webhookSettings,
  ...pushSettings,
};

export type ChannelsConfig = Readonly<z.infer<z.ZodObject<typeof channelSettings>>>;

/** What channels are made from, besides their settings. */
export interface ChannelParts {
  log: Log;
  links: SignedLinks;
  unsubscribes: Unsubscribes;
  webhookEndpoints: WebhookEndpoints;
  pushSubscriptions: PushSubscriptions;
  breakers: Breakers;
  /** Where the standalone writes the messages that no provider sends. Set only while no mail server is configured. */
  outbox?: OutboxFolder | undefined;
}

/** The configured channels, one line for each. A channel without a provider is undefined. */
const configuredChannels = (config: ChannelsConfig, parts: ChannelParts): (DeliveryChannel | undefined)[] => [
  emailChannelFrom(config, parts),
  ...twilioChannels(config),
  webhookChannelFrom(config, parts.webhookEndpoints, parts.log),
  pushChannel(config, parts.pushSubscriptions, parts.breakers),
];

/**
 * Every channel. A channel without a provider writes to the outbox if there is one. Otherwise its deliveries fail at
 * once as `not_configured`.
 */
export function channelsFrom(config: ChannelsConfig, parts: ChannelParts): DeliveryChannel[] {
  const configured = configuredChannels(config, parts).filter((channel) => channel !== undefined);
  const missing = CHANNELS.filter((kind) => !configured.some(({ channel }) => channel === kind));
  const { outbox } = parts;
  if (outbox)
    return [...configured, ...missing.map((kind) => new OutboxChannel(kind, config, { ...parts, folder: outbox }))];
  return [...configured, ...missing.map((kind) => new UnconfiguredChannel(kind))];
}

/** The names of the channels that have a provider. */
export const configuredOf = (channels: readonly DeliveryChannel[]): Channel[] =>
  channels
    .filter((channel) => !(channel instanceof UnconfiguredChannel || channel instanceof OutboxChannel))
    .map(({ channel }) => channel);
