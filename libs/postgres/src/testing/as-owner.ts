import { Client } from 'pg';
import { clientConfig, type DatabaseConnection } from '../connection';

/** Runs statements as whoever the connection logs in: the owner, whom row-level security may not bind. Gives the last one's rows. */
export async function asOwner<Row = unknown>(
  connection: DatabaseConnection,
  sql: string,
  values?: unknown[],
): Promise<Row[]> {
  const client = new Client({
    ...clientConfig(connection, undefined),
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  await client.connect();
  try {
    const { rows } = await client.query(sql, values);
    return rows as Row[];
  } finally {
    await client.end();
  }
}
