import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from './command';

/** The standalone beside this app, in a build as in the package. */
const MAIN = join(__dirname, '..', '..', 'standalone', 'src', 'main.js');

const options = {
  reset: { type: 'boolean', about: 'Begins anew: the database and the secret in DATA_DIR (.tocsin) are deleted.' },
  json: {
    type: 'boolean',
    about: 'Prints one JSON value when it is ready: its addresses and a token for the demo user.',
  },
} as const;

export const start: Command<typeof options> = {
  name: 'start',
  purpose: 'starts everything in one process',
  about:
    'Gateway, processor and notifier with their page, on storage of their own in the folder .tocsin, or on the services ' +
    'that DATABASE_URL, RABBITMQ_URL and REDIS_URL name. It runs until Ctrl+C or SIGTERM. Its settings are many: they ' +
    'are in the guide, under "Configure".',
  options,
  examples: ['npm start', 'npm start -- --reset', 'PORT=8001 ADMIN_PORT=9091 npm start'],
  settings: {},
  exits: { 0: 'it was ended by Ctrl+C or SIGTERM', 1: 'it could not start, or ended by a fault' },
  called: 'npm start',

  async run({ values }, terminal) {
    if (!existsSync(MAIN)) throw new Error(`The standalone is not built: there is no ${MAIN}.`);
    // it becomes this process, so that signals, the exit code and what it prints are its own
    process.argv = [
      process.argv[0]!,
      MAIN,
      ...(values.reset ? ['--reset'] : []),
      ...(values.json ? ['--json'] : []),
      ...(terminal.calling === 'tocsin' ? ['--called', 'tocsin'] : []),
    ];
    await import(MAIN);
    return new Promise(() => undefined);
  },
};
