import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The running version of Tocsin: that of the nearest package.json above this file, in the source tree as in a build.
 */
export const version: string = versionAbove(__dirname);

function versionAbove(folder: string): string {
  const manifest = join(folder, 'package.json');
  if (existsSync(manifest)) return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
  return folder === dirname(folder) ? 'unknown' : versionAbove(dirname(folder));
}
