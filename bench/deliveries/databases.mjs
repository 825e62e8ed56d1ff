// A database of its own for each measurement.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Client } = require('pg');

/** Runs one statement on a connection of its own, and returns the rows. */
export async function onServer(url, sql, parameters) {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(sql, parameters).finally(() => client.end());
  return rows;
}

/** Gives `work` the address of an empty database, and drops that afterwards. */
export async function withDatabase(serverUrl, work) {
  const name = `tocsin_bench_${randomBytes(6).toString('hex')}`;
  await onServer(serverUrl, `create database ${name} template template0`);
  try {
    return await work(Object.assign(new URL(serverUrl), { pathname: `/${name}` }).toString());
  } finally {
    await onServer(serverUrl, `drop database if exists ${name} with (force)`);
  }
}
