import { fullJitter } from '@tocsin/timing';
import type { QueryRunner } from 'typeorm';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The roles that processes take, one for each app; `tocsin_standalone` is a member of the others. None of them can log
 * in by itself.
 */
export const ROLES = ['tocsin_processor', 'tocsin_gateway', 'tocsin_notifier', 'tocsin_standalone'] as const;
export type Role = (typeof ROLES)[number];

/** The role that owns the functions that cross tenants. It owns no table. */
export const DEFINER = 'tocsin_definer';

/** The back-off while another migration commits its roles, which takes some milliseconds. */
const BACK_OFF = { firstMs: 100, capMs: 1_000 };
const LAST_ATTEMPT = 9;

/**
 * Creates the roles that are missing. Roles belong to the cluster and not to a database, and no lock reaches across
 * databases. When two databases are migrated at the same time, both may find a role missing; one of them then fails to
 * create it, tries again and finds it.
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
  since_16 constant boolean := current_setting('server_version_num')::integer >= 160000;
begin
  foreach wanted in array array['${[DEFINER, ...ROLES].join("', '")}'] loop
    if to_regrole(wanted) is null then
      execute format('create role %I nologin nosuperuser nocreatedb nocreaterole nobypassrls', wanted);
    end if;
    -- An owner that is no superuser takes roles at connecting, hands functions over to the definer and then grants rights
    -- on them. From 16 on, a member may be allowed none of that: the creator of a role is granted it with ADMIN alone.
    -- 15 knows neither the word 'set' nor the options.
    if not pg_has_role(current_user, wanted, case when since_16 then 'set' else 'member' end)
      or since_16 and wanted = '${DEFINER}' and not pg_has_role(current_user, wanted, 'usage')
    then
      execute format('grant %I to current_user ' || case when since_16 then 'with inherit true, set true' else '' end, wanted);
    end if;
  end loop;
  foreach wanted in array array['tocsin_processor', 'tocsin_gateway', 'tocsin_notifier'] loop
    if not pg_has_role('tocsin_standalone', wanted, 'member') then
      execute format('grant %I to tocsin_standalone', wanted);
    end if;
  end loop;
end $$`;
