import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { root } from './running.mjs';

/**
 * Whether `npm test` leaves a file to `npm run test:faults`: it shows on another engine, proxy or client what other
 * files show in every run, or it measures at full size. jest.config.cjs leaves these files out by the same name.
 */
export const isLeftOut = (file) => env.TOCSIN_FAULTS !== 'full' && /\.whole\.(load\.)?e2e\.spec\.ts$/.test(file);

/** All files that are left out. */
export const leftOut = () =>
  ['apps', 'e2e'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter(isLeftOut)
      .map((file) => join(folder, file)),
  );
