import { SEVERITIES, type Severity, type TenantStats } from '@tocsin/contracts/wire';

export interface NamedTenant {
  tenant_id: string;
  name: string;
}

/** The numbers of a tenant, with the bound up to which the server counted. */
export interface CountedTenant extends Pick<TenantStats, 'open' | 'snoozed' | 'timeline'> {
  at_most: number;
}

export type TenantNumbers = ReadonlyMap<string, CountedTenant>;

/** The worst severity of a tenant's open alerts. Null: none is open. Undefined: not known. */
export function worstOf(counted: CountedTenant | undefined): Severity | null | undefined {
  return counted && (SEVERITIES.find((one) => counted.open[one] > 0) ?? null);
}

/** How many alerts are open, as text: `–` while that is not known, and `+` where the server counted no further. */
export function openText(counted: CountedTenant | undefined, format: (n: number) => string): string {
  if (!counted) return '–';
  const numbers = SEVERITIES.map((one) => counted.open[one]);
  const isCut = numbers.some((one) => one >= counted.at_most);
  return format(numbers.reduce((sum, one) => sum + one, 0)) + (isCut ? '+' : '');
}

/** One of a tenant's numbers as text, like `openText`. */
export const countText = (
  count: number | undefined,
  atMost: number | undefined,
  format: (n: number) => string,
): string => (count === undefined ? '–' : format(count) + (count >= atMost! ? '+' : ''));

/**
 * The tenants by their worst open alert, then by how many there are, then by name. Those that are not known stand last.
 */
export function worstFirst<Tenant extends NamedTenant>(tenants: readonly Tenant[], numbers: TenantNumbers): Tenant[] {
  const key = ({ tenant_id }: NamedTenant): number[] => {
    const counted = numbers.get(tenant_id);
    return counted ? SEVERITIES.map((one) => -counted.open[one]) : [];
  };
  return tenants.toSorted((a, b) => {
    const [one, other] = [key(a), key(b)];
    if (one.length !== other.length) return other.length - one.length;
    const differs = one.findIndex((value, at) => value !== other[at]);
    return differs < 0 ? a.name.localeCompare(b.name) : one[differs]! - other[differs]!;
  });
}

/** Whether a tenant's name or id contains the text, in any case and without regard to accents. */
export function isNamed({ tenant_id, name }: NamedTenant, text: string): boolean {
  const plain = (one: string) => one.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain(name).includes(plain(text)) || plain(tenant_id).includes(plain(text));
}
