// Packs libs/publisher as the package `@tocsin/publisher`: `node scripts/pack-publisher.mjs [folder]` puts the tarball
// into the folder (default: here) and prints its path. It depends on amqplib alone.
import { argv } from 'node:process';
import { pack } from './packing.mjs';

pack({ library: 'publisher', entries: ['published.ts'], compilerOptions: { types: ['node'] } }, argv[2]);
