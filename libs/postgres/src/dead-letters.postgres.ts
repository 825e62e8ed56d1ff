import type {
  BuriedLetter,
  DeadLetterDecision,
  DeadLetterDepth,
  DeadLetterFilter,
  DeadLetterQuery,
  DeadLetterReach,
  DeadLetters,
  OpenLetters,
  WholeLetter,
} from '@tocsin/contracts/ports';
import type { Database } from './database';

/**
 * The `reach` of the port as the functions take it: a list of tenants, or null for an operator; and the tenants that
 * the operator does not reach.
 */
function readReach(reach: DeadLetterReach): { tenants: readonly string[] | null; without: readonly string[] } {
  if (reach === 'all') return { tenants: null, without: [] };
  return 'allBut' in reach ? { tenants: null, without: reach.allBut } : { tenants: reach, without: [] };
}

interface Reading extends DeadLetterFilter {
  status?: string | null;
  behind?: number | null;
  up_to?: number | null;
  whole?: boolean;
  bodies?: boolean;
  newestFirst?: boolean;
  limit: number;
}

/** Dead letters in the table `dead_letter`, which only functions may read and write. Each method is one round trip. */
export class PostgresDeadLetters implements DeadLetters {
  constructor(private readonly database: Database) {}

  async list(reach: DeadLetterReach, query: DeadLetterQuery): Promise<BuriedLetter[]> {
    const rows = await this.read(reach, { ...query, newestFirst: query.order === 'newest' });
    return rows.map(({ body: _, ...letter }) => letter);
  }

  async find(reach: DeadLetterReach, deadLetterId: number): Promise<WholeLetter | undefined> {
    const [letter] = await this.read(reach, {
      tenant_id: null,
      reason: null,
      behind: deadLetterId - 1,
      up_to: deadLetterId,
      bodies: true,
      limit: 1,
    });
    return letter;
  }

  oldest(reach: DeadLetterReach, letters: OpenLetters, limit: number): Promise<WholeLetter[]> {
    return this.read(reach, { ...letters, status: 'open', bodies: true, limit });
  }

  async count(
    reach: DeadLetterReach,
    { tenant_id, reason, up_to, whole }: OpenLetters,
  ): Promise<{ letters: number; newest: number | null }> {
    const { tenants, without } = readReach(reach);
    const counted = [tenants, tenant_id, reason, up_to, whole, without];
    const [row] = await this.database.call<{ letters: number; newest: number | null }>(
      'select * from tocsin.count_open_dead_letters($1, $2, $3, $4, $5, $6)',
      counted,
    );
    return row!;
  }

  async decide(
    reach: DeadLetterReach,
    deadLetterIds: readonly number[],
    { status, by, note }: DeadLetterDecision,
  ): Promise<number[]> {
    if (deadLetterIds.length === 0) return [];
    const { tenants, without } = readReach(reach);
    const decided = [tenants, deadLetterIds, status, by, note, without];
    const rows = await this.database.call<{ dead_letter_id: number }>(
      'select * from tocsin.decide_dead_letters($1, $2, $3, $4, $5, $6)',
      decided,
    );
    return rows.map(({ dead_letter_id }) => dead_letter_id);
  }

  depth(): Promise<DeadLetterDepth[]> {
    return this.database.call<DeadLetterDepth>('select * from tocsin.dead_letter_depth()');
  }

  private read(
    reach: DeadLetterReach,
    { tenant_id, reason, status, behind, up_to, whole, bodies, newestFirst, limit }: Reading,
  ): Promise<WholeLetter[]> {
    const { tenants, without } = readReach(reach);
    return this.database.call<WholeLetter>(
      'select * from tocsin.read_dead_letters($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
      [
        tenants,
        tenant_id,
        reason,
        status ?? null,
        behind ?? null,
        up_to ?? null,
        whole ?? false,
        bodies ?? false,
        limit,
        without,
        newestFirst ?? false,
      ],
    );
  }
}
