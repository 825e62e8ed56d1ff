import { onOff, setting } from '@tocsin/settings';

/** The settings of the webhook channel. */
export const webhookSettings = {
  WEBHOOK_ALLOW_PRIVATE: setting(onOff.default(false), {
    description:
      'Whether webhooks may be posted to private addresses, over plain http, to any port and to IP addresses: on or off. On, whoever may name a recipient reaches the network of the notifier: for development, or where every tenant is trusted.',
  }),
};
