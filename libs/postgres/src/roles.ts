import { fullJitter } from '@tocsin/timing';
import type { QueryRunner } from 'typeorm';
import { setTimeout as sleep } from 'node:timers/promises';

/** The roles that a process takes, one app each; `tocsin_standalone` is a member of the others. None of them can log in by itself. */
export const ROLES = ['tocsin_processor', 'tocsin_gateway', 'tocsin_standalone'] as const;
export type Role = (typeof ROLES)[number];

/** Owns the functions that cross tenants, and no table. */
export const DEFINER = 'tocsin_definer';

/** Another migration needs some milliseconds to commit its roles. */
const BACK_OFF = { firstMs: 100, capMs: 1_000 };
const LAST_ATTEMPT = 9;

/**
 * Creates what is missing. Roles belong to the cluster, not to a database, and no lock reaches across databases: two
 * migrations of two databases at once may both find a role missing, and one of them then finds it there after all.
 */
export async function createRoles(runner: QueryRunner): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await runner.query(CREATE_ROLES);
      return;
    } catch (error) {
      if (attempt === LAST_ATTEMPT || !/already exists|duplicate key|concurrently updated/.test(String(error)))
        throw error;
      await sleep(fullJitter(attempt, BACK_OFF));
    }
  }
}

const CREATE_ROLES = `
do $$
declare
  wanted text;
begin
  foreach wanted in array array['${[DEFINER, ...ROLES].join("', '")}'] loop
    if to_regrole(wanted) is null then
      execute format('create role %I nologin nosuperuser nocreatedb nocreaterole nobypassrls', wanted);
    end if;
    -- an owner that is no superuser has to be a member, to hand functions over and to take a role at connecting
    if not pg_has_role(current_user, wanted, 'member') then
      execute format('grant %I to current_user', wanted);
    end if;
  end loop;
  foreach wanted in array array['tocsin_processor', 'tocsin_gateway'] loop
    if not pg_has_role('tocsin_standalone', wanted, 'member') then
      execute format('grant %I to tocsin_standalone', wanted);
    end if;
  end loop;
end $$`;
