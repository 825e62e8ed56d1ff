// `node compile.cjs <folder of the bundle>`: runs every package of the bundle once and keeps the compiled code beside
// it.
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');

const folder = process.argv[2];
const packages = require(join(folder, 'load.cjs'));
for (const load of Object.values(packages)) load();
writeFileSync(join(folder, 'packages.compiled'), packages.bundle.compile());
