/** How a person calls this command line: within the repository by the scripts of npm, installed as `tocsin`. */
export type Calling = 'npm' | 'tocsin';

/** A command as npm's scripts call it: `npm run -s token -- --json`, `npm start`, `npm run tocsin -- bench`. */
const BY_NPM = /npm (?:run )?(?:-s )?(?:tocsin -- )?([\w<>-]+)(?: --(?= ))?/g;

/** A text whose commands are those of npm's scripts, with the commands that the reader can call. */
export const asCalled = (text: string, calling: Calling): string =>
  calling === 'npm' ? text : text.replace(BY_NPM, 'tocsin $1');
