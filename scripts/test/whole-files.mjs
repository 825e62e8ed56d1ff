import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { root } from './running.mjs';

const WHOLE = /\.whole\.(load\.)?e2e\.spec\.ts$/;

/**
 * The files that `npm test` leaves to `npm run test:faults`: they show on another engine, proxy or client what other
 * files show in every run, or they measure at full size. jest.config.cjs leaves them out by the same name.
 */
export const leftOut = () =>
  env.TOCSIN_FAULTS === 'full'
    ? []
    : ['apps', 'e2e'].flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true })
          .filter((file) => WHOLE.test(file))
          .map((file) => join(folder, file)),
      );
