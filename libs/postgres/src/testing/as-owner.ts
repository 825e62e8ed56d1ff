import { Client } from 'pg';
import { clientConfig, type DatabaseConnection } from '../connection';

/**
 * Runs statements as the login role of the connection: the owner, whom row-level security may not bind. Returns the
 * rows of the last one.
 */
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
