const { randomBytes } = require('node:crypto');

/**
 * Before the first file of a run: the name of the database that `freshDatabase` copies. The first test that needs it
 * makes it, so that a run without one needs no PostgreSQL. A run that a test starts takes the name of the run around
 * it.
 */
module.exports = () => {
  if (process.env.TEMPLATE_DATABASE) return;
  globalThis.templateDatabase = `tocsin_test_template_${randomBytes(6).toString('hex')}`;
  process.env.TEMPLATE_DATABASE = globalThis.templateDatabase;
};
