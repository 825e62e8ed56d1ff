import type { WebhookEndpoints } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { onOff, setting } from '@tocsin/settings';
import { WebhookChannel } from '../webhook.channel';

/** The settings of the webhook channel. It needs no provider: it is always on. */
export const webhookSettings = {
  WEBHOOK_ALLOW_PRIVATE: setting(onOff.default(false), {
    description:
      'Whether webhooks and push messages may go to private addresses, over plain http, to any port and to IP ' +
      'addresses: on or off. With on, every user and service that may name a recipient reaches the network of the ' +
      'notifier. Use it for development, or where every tenant is trusted.',
  }),
};

export interface WebhookConfig {
  WEBHOOK_ALLOW_PRIVATE: boolean;
  PUBLIC_URL?: string | undefined;
}

export const webhookChannelFrom = (config: WebhookConfig, endpoints: WebhookEndpoints, log: Log): WebhookChannel =>
  new WebhookChannel(endpoints, {
    allowPrivate: config.WEBHOOK_ALLOW_PRIVATE,
    publicUrl: config.PUBLIC_URL,
    // the address is not logged, because the address of a chat is its credential
    onDisabled: (endpoint) => log.warn(endpoint, 'a webhook endpoint is switched off'),
  });
