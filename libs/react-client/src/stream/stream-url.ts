import type { AlertStreamOptions } from './options';

/**
 * The stream's address, with the whole query except the credential. A relative address means the page's own protocol
 * and host.
 */
export function streamUrl({
  url = '/api/events',
  tenants,
  filter = {},
}: Pick<AlertStreamOptions, 'url' | 'tenants' | 'filter'>): string {
  const query = new URLSearchParams();
  const list = (name: string, values: readonly string[] | undefined) =>
    values && values.length > 0 && query.set(name, values.join(','));
  list('tenant', tenants);
  list('severity', filter.severity);
  list('type', filter.type);
  list('service', filter.service);
  list('name', filter.name);
  for (const [key, value] of Object.entries(filter.labels ?? {})) query.set(`label.${key}`, value);
  const text = query.toString();
  return text ? `${url}${url.includes('?') ? '&' : '?'}${text}` : url;
}

/** The API's address: `v1` beside the stream. */
export const apiUrlOf = ({ url = '/api/events', apiUrl }: Pick<AlertStreamOptions, 'url' | 'apiUrl'>): string =>
  apiUrl ?? url.replace(/[?#].*$/, '').replace(/events\/?$/, 'v1');
