import type { WebhookEndpoints } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { onOff, setting } from '@tocsin/settings';
import { WebhookChannel } from '../webhook.channel';

/** The settings of the webhook channel. It needs no provider: it is always on. */
export const webhookSettings = {
  WEBHOOK_ALLOW_PRIVATE: setting(onOff.default(false), {
    description:
      'Whether webhooks may be posted to private addresses, over plain http, to any port and to IP addresses: on or off. On, whoever may name a recipient reaches the network of the notifier: for development, or where every tenant is trusted.',
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
    // not the address: with chats it is the credential
    onDisabled: (endpoint) => log.warn(endpoint, 'a webhook endpoint is switched off'),
  });
