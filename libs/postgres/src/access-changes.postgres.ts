import type { AccessChanges, NewRevocation, Revocation } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** The time that the port allows, in milliseconds: the next check for revocations is due by then. */
const ANSWER_WITHIN_MS = 2_000;

/** Revocations in the table `revocation`. */
export class PostgresAccessChanges implements AccessChanges {
  constructor(private readonly database: Database) {}

  async revoke({ user_id, tenant_id, jti, issued_before }: NewRevocation): Promise<Revocation> {
    const [stored] = await this.database.call<Revocation>('select * from tocsin.revoke_access($1, $2, $3, $4)', [
      user_id,
      tenant_id ?? null,
      jti ?? null,
      issued_before ?? null,
    ]);
    return stored!;
  }

  since(afterId: number): Promise<Revocation[]> {
    return this.database.call<Revocation>('select * from tocsin.revocations_after($1)', [afterId], {
      withinMs: ANSWER_WITHIN_MS,
    });
  }
}
