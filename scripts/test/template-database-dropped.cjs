const { Client } = require('pg');

/** After the last file of a run: drops the database that its tests copied, if this run named it. */
module.exports = async () => {
  const { DATABASE_URL } = process.env;
  if (!globalThis.templateDatabase || !DATABASE_URL) return;
  const client = new Client({ connectionString: DATABASE_URL });
  await client.connect();
  await client.query(`drop database if exists ${globalThis.templateDatabase} with (force)`);
  await client.end();
};
