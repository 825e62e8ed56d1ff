import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Step } from '../kit/tree-copy';

/** A file of this folder. It compiles only where the channel is known, so here it is a text. */
const written = (name: string): string => readFileSync(join(__dirname, name), 'utf8');

/**
 * "Adding a delivery channel" of CONTRIBUTING.md, followed for one: `pagerduty`, which posts to PagerDuty's Events API.
 * A change of the patched code changes its step too: a step that does not apply fails.
 */
export const RECIPE: readonly Step[] = [
  // 1. its name
  {
    file: 'libs/contracts/src/wire/deliveries.ts',
    search: `'webhook', 'push'] as const;`,
    replace: `'webhook', 'push', 'pagerduty'] as const;`,
  },
  // 2. its addresses
  {
    file: 'libs/contracts/src/address.ts',
    search: `isWellFormed: isWebAddress, },`,
    replace: `isWellFormed: isWebAddress,
  },
  pagerduty: {
    words: 'pagerduty:<integration key>',
    isKind: (recipient) => /^pagerduty:[0-9a-z]{32}$/.test(recipient),
    isWellFormed: () => true,
  },`,
  },
  // 3. how it sends, with its settings
  { file: 'apps/notifier/src/channels/pagerduty.channel.ts', text: written('pagerduty.channel.txt') },
  // 4. the contract
  { file: 'apps/notifier/src/channels/pagerduty.channel.spec.ts', text: written('pagerduty.channel.spec.txt') },
  // 5. the list of channels
  {
    file: 'apps/notifier/src/channels/channels.ts',
    search: `import { pushChannel } from './push.channel';`,
    replace: `import { pagerdutyChannelFrom, pagerdutySettings } from './pagerduty.channel';
import { pushChannel } from './push.channel';`,
  },
  {
    file: 'apps/notifier/src/channels/channels.ts',
    search: '...pushSettings, };',
    replace: '...pushSettings,\n  ...pagerdutySettings,\n};',
  },
  {
    file: 'apps/notifier/src/channels/channels.ts',
    search: 'pushChannel(config, parts.pushSubscriptions, parts.breakers),',
    replace: 'pushChannel(config, parts.pushSubscriptions, parts.breakers),\n  pagerdutyChannelFrom(config),',
  },
];
