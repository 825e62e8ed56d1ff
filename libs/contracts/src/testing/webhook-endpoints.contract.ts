import type { EndpointFailure, WebhookEndpoints } from '../ports';
import type { TenantId } from '../tenant';
import { aTenant } from './an-alert';

interface OpenWebhookEndpoints {
  /** As a gateway and as a notifier reach the same store. */
  ofUsers: WebhookEndpoints;
  ofNotifiers: WebhookEndpoints;
  /** Configures who is told of a tenant's high alerts. */
  addRecipient(tenant: TenantId, channel: string, address: string): Promise<void>;
  /** Notifications that are stored for a tenant, the oldest first: their title, message and recipients. */
  notifications(tenant: TenantId): Promise<{ title: string; message: string; to_recipients: string[] }[]>;
  close(): Promise<void>;
}

const HOURS = 3_600_000;
const failure = (overrides: Partial<EndpointFailure> = {}): EndpointFailure => ({
  gone: false,
  disableAfterMs: 120 * HOURS,
  forgetAfterMs: 48 * HOURS,
  ...overrides,
});
const URL_ONE = 'https://hooks.example.com/a?token=very-secret';

/** What every `WebhookEndpoints` does. `open` is called once, so tests use tenants of their own. */
export function describeWebhookEndpoints(name: string, { open }: { open(): Promise<OpenWebhookEndpoints> }): void {
  describe(`${name} keeps webhook endpoints`, () => {
    let opened: OpenWebhookEndpoints;
    let users: WebhookEndpoints;
    let notifier: WebhookEndpoints;
    let tenant: TenantId;
    beforeAll(async () => {
      opened = await open();
      [users, notifier] = [opened.ofUsers, opened.ofNotifiers];
    }, 60_000);
    afterAll(() => opened?.close());
    beforeEach(() => (tenant = aTenant()));

    const idOf = async () => (await notifier.use(tenant, URL_ONE)).endpoint_id;
    const shown = async (id: string) => (await users.find([tenant], id))!;

    it('makes one at the first use of an address, and the same for everybody who uses it at once', async () => {
      const used = await Promise.all(Array.from({ length: 8 }, () => notifier.use(tenant, URL_ONE)));
      expect(new Set(used.map(({ endpoint_id }) => endpoint_id)).size).toBe(1);
      const { endpoint_id, secrets, ...rest } = used[0]!;
      expect(rest).toEqual({ format: null, template: null, headers: {}, disabled: false, failing: false });
      expect(secrets).toEqual([expect.stringMatching(/^whsec_/) as string]);
      expect(await users.list([tenant])).toEqual([
        {
          endpoint_id,
          tenant_id: tenant,
          url: URL_ONE,
          format: null,
          template: null,
          header_names: [],
          secret_version: 1,
          rotated_at: null,
          failing_since: null,
          disabled_at: null,
          disabled_reason: null,
          owner: null,
          created_at: expect.stringMatching(/Z$/) as string,
        },
      ]);
      const other = await notifier.use(aTenant(), URL_ONE);
      expect(other.secrets).not.toEqual(secrets);
      expect((await notifier.use(tenant, `${URL_ONE}&b`)).secrets).not.toEqual(secrets);
    });

    it('reaches an endpoint only through its tenant, with every method', async () => {
      const id = await idOf();
      for (const reach of [[], [aTenant()]]) {
        expect(await users.list(reach)).toEqual([]);
        expect(await users.find(reach, id)).toBeUndefined();
        expect(await users.change(reach, id, 'eve', { enabled: false, headers: { a: 'b' } })).toBeUndefined();
        expect(await users.secretOf(reach, id, 'eve')).toBeUndefined();
        expect(await users.test(reach, id, 'eve')).toBeUndefined();
      }
      expect(await shown(id)).toMatchObject({ owner: null, disabled_at: null, header_names: [] });
    });

    it('changes what is named and nothing else, and shows of headers the names alone', async () => {
      const id = await idOf();
      const headers = { Authorization: 'Bearer größer', 'X-Room': '7' };
      expect(await users.change([tenant], id, 'ana', { format: 'slack', headers })).toMatchObject({
        format: 'slack',
        header_names: ['Authorization', 'X-Room'],
        owner: 'ana',
        secret_version: 1,
      });
      expect(await notifier.use(tenant, URL_ONE)).toMatchObject({ format: 'slack', headers });
      await users.change([tenant], id, 'ben', { format: null });
      expect(await notifier.use(tenant, URL_ONE)).toMatchObject({ format: null, headers });
      expect(await users.change([tenant], id, 'ben', { headers: {} })).toMatchObject({
        header_names: [],
        owner: 'ana',
      });
      expect(await notifier.use(tenant, URL_ONE)).toMatchObject({ headers: {} });
      expect(JSON.stringify(await users.list([tenant]))).not.toContain('größer');
    });

    it('keeps a template until it is taken away, and without one the format as before', async () => {
      const id = await idOf();
      const template = `{"text": "{{ subject }}"}`;
      await users.change([tenant], id, 'ana', { format: 'slack', template });
      expect(await notifier.use(tenant, URL_ONE)).toMatchObject({ format: 'slack', template });
      expect(await users.change([tenant], id, 'ana', { format: 'ntfy' })).toMatchObject({ format: 'ntfy', template });
      expect(await users.change([tenant], id, 'ana', { template: null })).toMatchObject({
        format: 'ntfy',
        template: null,
      });
      expect(await notifier.use(tenant, URL_ONE)).toMatchObject({ format: 'ntfy', template: null });
    });

    it('signs with two secrets after a rotation, and a second rotation ends the first overlap', async () => {
      const id = await idOf();
      const [first] = (await notifier.use(tenant, URL_ONE)).secrets;
      expect(await users.secretOf([tenant], id, 'ana')).toEqual({
        endpoint_id: id,
        secret: first,
        secret_version: 1,
        previous_secret: null,
        previous_until: null,
      });
      expect((await shown(id)).owner).toBe('ana');
      expect(await users.change([tenant], id, 'ana', { rotate: true })).toMatchObject({ secret_version: 2 });
      const [second, ...others] = (await notifier.use(tenant, URL_ONE)).secrets;
      expect(others).toEqual([first]);
      expect(second).not.toBe(first);
      const shownSecret = (await users.secretOf([tenant], id, 'ana'))!;
      expect(shownSecret).toMatchObject({ secret: second, previous_secret: first, secret_version: 2 });
      const left = Date.parse(shownSecret.previous_until!) - Date.now();
      expect(left).toBeGreaterThan(23.9 * HOURS);
      expect(left).toBeLessThanOrEqual(24 * HOURS + 5_000);
      await users.change([tenant], id, 'ana', { rotate: true });
      expect((await notifier.use(tenant, URL_ONE)).secrets.slice(1)).toEqual([second]);
    });

    it('forgets failures with a success, and switches off what did nothing but fail for long enough', async () => {
      const id = await idOf();
      expect(await notifier.failed(tenant, id, failure())).toBeNull();
      const since = (await shown(id)).failing_since;
      expect(since).toMatch(/Z$/);
      expect(await notifier.failed(tenant, id, failure())).toBeNull();
      expect((await shown(id)).failing_since).toBe(since);
      expect((await notifier.use(tenant, URL_ONE)).failing).toBe(true);
      await notifier.succeeded(tenant, id);
      expect((await shown(id)).failing_since).toBeNull();
      expect(await notifier.failed(tenant, id, failure())).toBeNull();
      // the same as five days, at another scale
      const told = await Promise.all(
        Array.from({ length: 4 }, () => notifier.failed(tenant, id, failure({ disableAfterMs: 0 }))),
      );
      expect(told.filter((why) => why !== null)).toEqual(['failing']);
      expect(await shown(id)).toMatchObject({ disabled_reason: 'failing', disabled_at: expect.any(String) as string });
      expect((await notifier.use(tenant, URL_ONE)).disabled).toBe(true);
      expect(await users.change([tenant], id, 'ana', { enabled: true })).toMatchObject({
        disabled_at: null,
        disabled_reason: null,
        failing_since: null,
      });
      expect(await notifier.use(tenant, URL_ONE)).toMatchObject({ disabled: false, failing: false });
    });

    it('begins to count anew after a silence: two failures far apart are no days of failure', async () => {
      const id = await idOf();
      await notifier.failed(tenant, id, failure());
      const before = Date.parse((await shown(id)).failing_since!);
      let now = before;
      while (now <= before) {
        expect(await notifier.failed(tenant, id, failure({ disableAfterMs: 1, forgetAfterMs: 0 }))).toBeNull();
        now = Date.parse((await shown(id)).failing_since!);
      }
    });

    it('switches off at once what is gone, and what a user switches off, and keeps the first reason', async () => {
      const id = await idOf();
      expect(await notifier.failed(tenant, id, failure({ gone: true }))).toBe('gone');
      expect(await users.change([tenant], id, 'ana', { enabled: false })).toMatchObject({ disabled_reason: 'gone' });
      await users.change([tenant], id, 'ana', { enabled: true });
      expect(await users.change([tenant], id, 'ana', { enabled: false })).toMatchObject({
        disabled_reason: 'by_request',
      });
      expect(await notifier.failed(tenant, id, failure({ gone: true }))).toBeNull();
      expect(await shown(id)).toMatchObject({ disabled_reason: 'by_request' });
    });

    it('tells the other recipients and the owner once, without the path of the address', async () => {
      await opened.addRecipient(tenant, 'webhook', URL_ONE);
      await opened.addRecipient(tenant, 'email', 'ops@bakery.example');
      const id = await idOf();
      await users.change([tenant], id, 'ana', {});
      await notifier.failed(tenant, id, failure({ gone: true }));
      await notifier.failed(tenant, id, failure({ gone: true }));
      const told = await opened.notifications(tenant);
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({
        title: 'Webhooks to hooks.example.com are switched off',
        to_recipients: ['ops@bakery.example', 'user:ana'],
      });
      expect(told[0]!.message).toContain(`/api/v1/webhooks/${id}`);
      expect(JSON.stringify(told)).not.toContain('very-secret');
    });

    it('makes no notification when there is no recipient for it', async () => {
      const id = await idOf();
      expect(await notifier.failed(tenant, id, failure({ gone: true }))).toBe('gone');
      expect(await opened.notifications(tenant)).toEqual([]);
    });

    it('tests an endpoint by a notification to it alone', async () => {
      await opened.addRecipient(tenant, 'email', 'ops@bakery.example');
      const made = await users.test([tenant], await idOf(), 'ana');
      expect(made).toMatch(/^[0-9a-f-]{36}$/);
      expect(await opened.notifications(tenant)).toMatchObject([
        { title: 'A test of this webhook', to_recipients: [URL_ONE] },
      ]);
    });
  });
}
