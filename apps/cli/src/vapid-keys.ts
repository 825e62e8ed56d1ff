import { generateVAPIDKeys } from 'web-push';
import type { Command } from './command';

export const vapidKeys: Command<Record<string, never>> = {
  name: 'vapid-keys',
  purpose: 'makes the keys of push messages',
  about:
    'Prints a new pair of keys as settings, on stdout alone, so that it can be appended to .env. Make it once: ' +
    'browsers are subscribed with the public key, and a new key ends all subscriptions.',
  options: {},
  examples: ['npm run vapid-keys', 'npm run -s vapid-keys >> .env'],
  settings: {},

  run(_given, terminal) {
    const { publicKey, privateKey } = generateVAPIDKeys();
    terminal.out(`VAPID_PUBLIC_KEY=${publicKey}`);
    terminal.out(`VAPID_PRIVATE_KEY=${privateKey}`);
    terminal.err('Also set VAPID_SUBJECT, a mailto: or https: address at which push services reach you.');
    return Promise.resolve(0);
  },
};
