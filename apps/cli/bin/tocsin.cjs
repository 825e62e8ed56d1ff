#!/usr/bin/env node
// The scripts of the shells ask at each Tab: the answer needs the definitions of the commands and nothing else.
const [word, ...words] = process.argv.slice(2);
if (word === '__complete') {
  const { completionLines } = require('../lib/apps/cli/src/completion.js');
  for (const line of completionLines(require('../lib/definitions.json'), words)) process.stdout.write(`${line}\n`);
} else {
  require('../lib/apps/cli/src/tocsin.js');
}
