import { aTenant } from '@tocsin/contracts/testing';
import { WebhookSecrets } from './webhook-secrets';

const KEY = 'a-key-of-these-tests-0123456789-0123456789';
const endpoint = { tenant_id: aTenant('bakery'), endpoint_id: 'e-1' };
const secrets = new WebhookSecrets(KEY);

test('a secret is the same whenever it is asked for, and another one for each tenant, endpoint, version and key', () => {
  const all = [
    secrets.secretOf(endpoint, 1),
    secrets.secretOf(endpoint, 2),
    secrets.secretOf({ ...endpoint, endpoint_id: 'e-2' }, 1),
    secrets.secretOf({ ...endpoint, tenant_id: aTenant('cafe') }, 1),
    new WebhookSecrets(`${KEY}x`).secretOf(endpoint, 1),
  ];
  expect(new Set(all).size).toBe(5);
  expect(new WebhookSecrets(KEY).secretOf(endpoint, 1)).toBe(all[0]);
  for (const secret of all) expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
});

test('what is sealed opens for its endpoint alone, and never twice reads the same', () => {
  const sealed = secrets.seal(endpoint, '{"authorization":"Bearer größer"}');
  expect(secrets.open(endpoint, sealed)).toBe('{"authorization":"Bearer größer"}');
  expect(secrets.seal(endpoint, '{"authorization":"Bearer größer"}')).not.toBe(sealed);
  expect(sealed).not.toContain('Bearer');
  expect(() => secrets.open({ ...endpoint, endpoint_id: 'e-2' }, sealed)).toThrow();
  expect(() => secrets.open({ ...endpoint, tenant_id: aTenant('cafe') }, sealed)).toThrow();
  expect(() => new WebhookSecrets(`${KEY}x`).open(endpoint, sealed)).toThrow();
  const changed = Buffer.from(sealed, 'base64');
  changed[20]! ^= 1;
  expect(() => secrets.open(endpoint, changed.toString('base64'))).toThrow();
});
