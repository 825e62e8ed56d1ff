import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signToken } from '@tocsin/auth';
import type { TenantId } from '@tocsin/contracts';
import type { Database } from '@tocsin/postgres';

/** The user of the demo: one person who looks after two bakeries. */
export const DEMO_USER = 'ana@example.test';
export const DEMO_MEMBERSHIPS = [
  { tenant_id: 'north-bakery' as TenantId, name: 'North Bakery', role: 'owner' },
  { tenant_id: 'harbour-cafe' as TenantId, name: 'Harbour Café', role: 'manager' },
];

/**
 * Has the demo user told of urgent and high alerts by mail, in each of the demo's tenants that has no recipients yet.
 */
export async function introduceRecipients(database: Database): Promise<void> {
  for (const { tenant_id } of DEMO_MEMBERSHIPS)
    await database.as([tenant_id], (manager) =>
      manager.query(
        `insert into tocsin.recipient (tenant_id, severity, channel, address)
         select $1, severity, 'email', $2 from unnest(array['urgent', 'high']) as severity
         where not exists (select from tocsin.recipient where tenant_id = $1)
         on conflict do nothing`,
        [tenant_id, DEMO_USER],
      ),
    );
}

/** A working day, so that a person who tries Tocsin does not have to sign in again after lunch. */
const DEMO_TOKEN_SECONDS = 12 * 3_600;

/**
 * The secret that signs tokens here. It is made once and kept, so that a token survives a restart. `anew` makes a new
 * one.
 */
export function keptSecret(dataDir: string, { anew = false } = {}): string {
  const file = join(dataDir, 'jwt-secret');
  if (anew) rmSync(file, { force: true });
  mkdirSync(dataDir, { recursive: true });
  try {
    writeFileSync(file, randomBytes(48).toString('base64url'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8').trim();
}

/**
 * A token that may read, act, publish and decide refused messages, for the demo user. `tenantsClaim` is the claim in
 * which the gateway looks for tenants: then the token names those of the demo itself, since nothing else would.
 */
export const demoToken = (
  secret: string,
  {
    issuer,
    audience,
    tenantsClaim,
  }: { issuer?: string | undefined; audience?: string | undefined; tenantsClaim?: string | undefined },
): string =>
  signToken(secret, {
    user_id: DEMO_USER,
    expiresInSeconds: DEMO_TOKEN_SECONDS,
    scopes: ['alerts:read', 'alerts:write', 'events:publish', 'dead_letters:manage'],
    issuer,
    audience,
    ...(tenantsClaim && {
      claims: { [tenantsClaim]: DEMO_MEMBERSHIPS.map(({ tenant_id: id, name, role }) => ({ id, name, role })) },
    }),
  });
