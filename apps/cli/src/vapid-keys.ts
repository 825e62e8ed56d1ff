import { generateVAPIDKeys } from 'web-push';
import type { Command } from './command';

const options = { json: { type: 'boolean', about: 'Prints them as one JSON value.' } } as const;

export const vapidKeys: Command<typeof options> = {
  name: 'vapid-keys',
  purpose: 'makes the keys of push messages',
  about:
    'Prints a new pair of keys as settings, on stdout alone, so that it can be appended to .env. Make it once: ' +
    'browsers are subscribed with the public key, and a new key ends all subscriptions.',
  options,
  examples: ['npm run vapid-keys', 'npm run -s vapid-keys >> .env'],
  settings: {},

  run({ values }, terminal) {
    const { publicKey, privateKey } = generateVAPIDKeys();
    const keys = { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey };
    const lines = Object.entries(keys).map(([name, key]) => `${name}=${key}`);
    for (const line of values.json ? [JSON.stringify(keys)] : lines) terminal.out(line);
    terminal.err('Also set VAPID_SUBJECT, a mailto: or https: address at which push services reach you.');
    return Promise.resolve(0);
  },
};
