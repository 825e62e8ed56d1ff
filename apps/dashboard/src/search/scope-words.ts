import type { AlertType, Severity } from '@tocsin/contracts/wire';
import type { Words } from '../words/words';
import type { Search } from './search-syntax';

/**
 * What a search selects, as short texts for a heading: the tenants by their names, then every other condition.
 */
export function scopeOf(search: Search, t: Words, nameOfTenant: (tenantId: string) => string | null): string[] {
  const { severity, service, tenant, type, status, name, assignee, labels, before, after, not, words } = search;
  const listed = (label: string, values: readonly string[]) =>
    values.length > 0 ? [`${label} ${values.join(', ')}`] : [];
  return [
    ...tenant.map((id) => nameOfTenant(id) ?? id),
    ...status.map((one) => t(`status.${one}`)),
    ...severity.map((one) => t(`severity.${one}`)),
    ...listed(t('scope.service'), service),
    ...type.map((one) => t(`type.${one}`)),
    ...listed(t('scope.name'), name),
    ...listed(t('scope.assignee'), assignee),
    ...Object.entries(labels).map(([key, value]) => `${key}: ${value}`),
    ...(after ? [t('scope.after', { value: after })] : []),
    ...(before ? [t('scope.before', { value: before })] : []),
    ...not.tenant.map((id) => t('scope.not', { value: nameOfTenant(id) ?? id })),
    ...not.service.map((value) => t('scope.not', { value })),
    ...not.severity.map((one) => t('scope.not', { value: t(`severity.${one as Severity}`) })),
    ...not.type.map((one) => t('scope.not', { value: t(`type.${one as AlertType}`) })),
    ...words.map((word) => `“${word}”`),
  ];
}
