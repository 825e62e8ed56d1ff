#!/usr/bin/env node
// Node 22 and newer keep what V8 compiles for the next start, in a folder for temporary files.
require('node:module').enableCompileCache?.();
require('../lib/apps/cli/src/tocsin.js');
