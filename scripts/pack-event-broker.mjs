// Packs libs/event-broker as the package `@tocsin/event-broker`: `node scripts/pack-event-broker.mjs [folder]` puts the
// tarball into the folder (default: here) and prints its path. It depends on nothing: drivers are those of the service.
import { argv } from 'node:process';
import { pack } from './packing.mjs';

const entries = [
  'index',
  'nest',
  'crud-capture',
  'database',
  'providers/redis-provider',
  'prometheus-metrics',
  'configuration',
];

pack(
  {
    library: 'event-broker',
    entries: entries.map((entry) => `${entry}.ts`),
    compilerOptions: { types: ['node'] },
  },
  argv[2],
);
