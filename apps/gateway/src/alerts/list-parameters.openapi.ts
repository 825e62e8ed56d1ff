import { TENANT_ID_PATTERN } from '@tocsin/contracts';
import { integer, text } from '../docs/json-schema';
import { listParameter, queryParameter } from '../docs/operation';
import { DEFAULT_PAGE, MAX_PAGE } from '../request/list-parameters';

// What the lists have in common.
export const TENANT = listParameter(
  'tenant',
  text(undefined, { pattern: TENANT_ID_PATTERN.source }),
  "Some of the user's tenants; default all.",
);
export const LIMIT = queryParameter(
  'limit',
  integer(undefined, { minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE }),
  'How many of one page.',
);
export const AFTER = queryParameter('after', text(undefined, { minLength: 1 }), 'The next of the page before.');
