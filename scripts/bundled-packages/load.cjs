// Gives a package out of the bundle beside this file. V8 takes the code that was compiled when the bundle was made, if
// the same version of V8 runs it; else it compiles the code anew. Node can do this by itself from version 22.1 on
// (`module.enableCompileCache`), but into a folder that it writes at run time, which an image does not have.
const { existsSync, readFileSync } = require('node:fs');
const { wrap } = require('node:module');
const { join } = require('node:path');
const { constants, Script } = require('node:vm');

const filename = join(__dirname, 'packages.cjs');
const compiled = join(__dirname, 'packages.compiled');

// the bundle is ASCII, and so read fastest
const script = new Script(wrap(readFileSync(filename, 'latin1')), {
  filename,
  cachedData: existsSync(compiled) ? readFileSync(compiled) : undefined,
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
script.runInThisContext()(module.exports, require, module, filename, __dirname);

/** Whether V8 took the compiled code; `compile` gives it anew, with every function that has run by now. */
Object.defineProperty(module.exports, 'bundle', {
  value: { isCompiled: script.cachedDataRejected === false, compile: () => script.createCachedData() },
});
