import { z } from 'zod';

/** `/tocsin`, or `` for the root. A slash at the end is dropped. */
export const basePath = z
  .string()
  .default('')
  .transform((path) => path.replace(/\/+$/, ''))
  .refine(
    (path) => /^(\/[\w.~-]+)*$/.test(path) && !path.split('/').some((part) => /^\.{1,2}$/.test(part)),
    'a path such as /tocsin is expected',
  );

/** The base path as a part of a regular expression. */
export const patternOf = (base: string): string => base.replaceAll('.', '\\.');

/** HTML whose links and files have addresses at the root, with those addresses below the base path. */
export const belowBasePath = (html: string, base: string): string =>
  base ? html.replace(/(?<=\s(?:href|src)=")\/(?!\/)/g, `${base}/`) : html;
