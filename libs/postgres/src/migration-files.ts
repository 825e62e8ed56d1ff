import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A numbered migration, as its file describes it. */
export interface NumberedMigration {
  /** `29` of `0029-resolved-order.online.sql`. */
  number: number;
  /** `0029-resolved-order`. */
  name: string;
  /** TypeORM orders and records migrations by a name that ends in thirteen digits: `resolved-order0000000000029`. */
  recordedAs: string;
  file: string;
  /** It runs outside of a transaction, statement by statement. */
  isOnline: boolean;
  /** It needs that the online migrations before it have ended. */
  needsOnline: boolean;
}

/** The numbered migrations of a folder, in the order of their numbers. */
export const readMigrations = (folder: string): NumberedMigration[] => sqlFiles(folder).map(describe);

export const sqlFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => join(folder, name));

function describe(file: string): NumberedMigration {
  const [, number, words, online] = /^(\d+)-(.+?)(\.online)?\.sql$/.exec(basename(file))!;
  return {
    number: Number(number),
    name: `${number}-${words}`,
    recordedAs: `${words}${number!.padStart(13, '0')}`,
    file,
    isOnline: online !== undefined,
    needsOnline: online === undefined && /^-- needs online$/m.test(readFileSync(file, 'utf8')),
  };
}

/** `0029-resolved-order` of `resolved-order0000000000029`. */
export const readableName = (recordedAs: string): string =>
  `${recordedAs.slice(-13).replace(/^0+(?=\d{4})/, '')}-${recordedAs.slice(0, -13)}`;
