import { createHash, randomUUID } from 'node:crypto';
import {
  MAX_BROWSERS,
  REVOCATION_IN_FORCE_MS,
  type AccessChanges,
  type PushSubscriptions,
  type Reader,
} from '../ports';
import type { TenantId } from '../tenant';
import type { PushKeys } from '../wire';
import { aTenant } from './an-alert';

interface OpenPushSubscriptions {
  /** As the gateway has it, and as the notifier has it. */
  subscriptions: PushSubscriptions;
  targets: PushSubscriptions;
  changes: AccessChanges;
  /** The list of members. */
  members: {
    put(user: string, tenant: TenantId): Promise<void>;
    remove(user: string, tenant: TenantId): Promise<void>;
  };
  /** Makes as if a browser had last been renewed some days earlier. */
  age(endpoint: string, days: number): Promise<void>;
  /** Makes as if the revocations of a user had been stored some days earlier. */
  ageRevocations(user: string, days: number): Promise<void>;
  close(): Promise<void>;
}

/** What every `PushSubscriptions` does without a fault. `open` is called once, so tests use users of their own. */
export function describePushSubscriptions(name: string, { open }: { open(): Promise<OpenPushSubscriptions> }): void {
  describe(`${name} as the list of browsers that get push messages`, () => {
    let opened: OpenPushSubscriptions;
    let user: Reader;
    let bakery: TenantId;
    let cafe: TenantId;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());
    beforeEach(() => {
      user = { user_id: `user-${randomUUID()}`, issuer: '' };
      [bakery, cafe] = [aTenant(), aTenant()];
    });
    const aBrowser = (): PushKeys => ({
      endpoint: `https://push.example/${randomUUID()}`,
      p256dh: randomUUID(),
      auth: randomUUID(),
    });
    const SECOND_MS = 1_000;
    /** A time on the side of the store's clock that is meant: before or after what the store does now. */
    const secondAgo = () => Date.now() - SECOND_MS;
    const inASecond = () => Date.now() + SECOND_MS;
    /** Subscribes a browser with a token that was issued a second ago, or at another time. */
    const subscribe = (reader: Reader, tenants: TenantId[], browser: PushKeys, issuedAt: number | null = secondAgo()) =>
      opened.subscriptions.subscribe(reader, tenants, browser, issuedAt);
    /** The browsers to which a delivery goes, but for those that have it already. */
    const targets = async (tenant: TenantId, { user_id } = user, delivery: string = randomUUID()) =>
      (await opened.targets.to(tenant, user_id, delivery)).flatMap(({ taken, ...browser }) => (taken ? [] : [browser]));

    it('sends to each browser of the user, in the tenants for which it was subscribed and in no other', async () => {
      const [phone, laptop] = [aBrowser(), aBrowser()];
      await subscribe(user, [bakery, cafe], phone);
      await subscribe(user, [bakery], laptop);
      expect(await targets(bakery)).toEqual(expect.arrayContaining([phone, laptop]));
      expect(await targets(cafe)).toEqual([phone]);
      expect(await targets(aTenant())).toEqual([]);
      expect(await targets(bakery, { user_id: 'somebody else' } as Reader)).toEqual([]);
    });

    it("shows the user's browsers, without their endpoints and without tenants that are not asked for", async () => {
      await subscribe(user, [bakery, cafe], aBrowser());
      const [browser, ...others] = await opened.subscriptions.of(user, [bakery]);
      expect([browser!.tenants, others]).toEqual([[bakery], []]);
      expect(browser!.browser_id).toMatch(/^[0-9a-f]{64}$/);
      expect(Date.parse(browser!.expires_at) - Date.parse(browser!.renewed_at)).toBe(30 * 86_400_000);
      expect(await opened.subscriptions.of({ ...user, issuer: 'https://another/' }, [bakery])).toEqual([]);
      expect(JSON.stringify(browser)).not.toContain('push.example');
    });

    it('replaces the tenants and the keys of a browser that subscribes again', async () => {
      const browser = aBrowser();
      await subscribe(user, [bakery], { ...browser, p256dh: 'old', auth: 'old' });
      await subscribe(user, [cafe], browser);
      expect(await targets(bakery)).toEqual([]);
      expect(await targets(cafe)).toEqual([browser]);
    });

    it('gives a browser to the user who subscribed it last, in every tenant', async () => {
      const browser = aBrowser();
      const next = { user_id: `user-${randomUUID()}`, issuer: '' };
      await subscribe(user, [bakery], browser);
      await subscribe(next, [cafe], browser);
      expect(await targets(bakery)).toEqual([]);
      expect(await targets(cafe, next)).toEqual([browser]);
    });

    it('sends nothing to a browser that was unsubscribed or is gone', async () => {
      const [left, gone] = [aBrowser(), aBrowser()];
      for (const browser of [left, gone]) await subscribe(user, [bakery, cafe], browser);
      const { browser_id } = (await opened.subscriptions.of(user, [bakery])).find(
        (one) => one.browser_id === createHash('sha256').update(left.endpoint).digest('hex'),
      )!;
      expect(await opened.subscriptions.unsubscribe({ ...user, user_id: 'x' }, [bakery], browser_id)).toBe(false);
      expect(await targets(bakery)).toHaveLength(2);
      expect(await opened.subscriptions.unsubscribe(user, [bakery], browser_id)).toBe(true);
      await opened.targets.forget([gone.endpoint]);
      expect([await targets(bakery), await targets(cafe)]).toEqual([[], []]);
    });

    it('sends a delivery once to a browser that has taken it, and the next delivery again', async () => {
      const [phone, laptop] = [aBrowser(), aBrowser()];
      for (const browser of [phone, laptop]) await subscribe(user, [bakery], browser);
      const delivery = randomUUID();
      await opened.targets.noteTaken(bakery, [phone.endpoint], delivery);
      expect(await targets(bakery, user, delivery)).toEqual([laptop]);
      expect(await opened.targets.to(bakery, user.user_id, delivery)).toContainEqual({ ...phone, taken: true });
      expect(await targets(bakery)).toHaveLength(2);
    });

    it('knows of several deliveries of a user that a browser has them, and of the newest of very many', async () => {
      const [phone, laptop] = [aBrowser(), aBrowser()];
      for (const browser of [phone, laptop]) await subscribe(user, [bakery], browser);
      const deliveries = Array.from({ length: 60 }, () => randomUUID() as string);
      for (const delivery of deliveries.slice(0, 2)) await opened.targets.noteTaken(bakery, [phone.endpoint], delivery);
      for (const delivery of deliveries.slice(0, 2)) expect(await targets(bakery, user, delivery)).toEqual([laptop]);
      for (const delivery of deliveries.slice(2)) await opened.targets.noteTaken(bakery, [phone.endpoint], delivery);
      await opened.targets.noteTaken(bakery, [phone.endpoint], deliveries.at(-1)!);
      for (const delivery of deliveries.slice(-50)) expect(await targets(bakery, user, delivery)).toEqual([laptop]);
    });

    it('sends nothing after the access was revoked, until the user subscribes again', async () => {
      const browser = aBrowser();
      await subscribe(user, [bakery, cafe], browser);
      await opened.changes.revoke({ user_id: user.user_id, tenant_id: bakery });
      expect([await targets(bakery), await targets(cafe)]).toEqual([[], [browser]]);
      await opened.changes.revoke({ user_id: user.user_id });
      expect(await targets(cafe)).toEqual([]);
      await subscribe(user, [cafe], browser, inASecond());
      expect(await targets(cafe)).toEqual([browser]);
    });

    it.each([
      ['the user', {}],
      ['the tokens of the user from before a time to come', { issued_before: new Date(Date.now() + 3_600_000) }],
      ["the user's access to the tenant", { tenant: 'this' }],
    ])('sends nothing to a browser whose gateway did not know yet that %s was revoked', async (_, what) => {
      const { issued_before, tenant } = what as { issued_before?: Date; tenant?: string };
      const browser = aBrowser();
      await opened.changes.revoke({
        user_id: user.user_id,
        ...(issued_before && { issued_before: issued_before.toISOString() }),
        ...(tenant && { tenant_id: bakery }),
      });
      await subscribe(user, [bakery, cafe], browser);
      expect(await targets(bakery)).toEqual([]);
      expect(await targets(cafe)).toEqual(tenant ? [browser] : []);
      await subscribe(user, [bakery], browser, null);
      expect(await targets(bakery)).toEqual([]);
      await subscribe(user, [bakery], browser, Date.now() + 2 * 3_600_000);
      expect(await targets(bakery)).toEqual([browser]);
    });

    it('goes on after revocations that leave the token of the subscription alone', async () => {
      const browser = aBrowser();
      const issuedAt = secondAgo();
      const before = new Date(issuedAt).toISOString();
      await opened.changes.revoke({ user_id: user.user_id, issued_before: before });
      await subscribe(user, [bakery], browser, issuedAt);
      await opened.changes.revoke({ user_id: user.user_id, jti: randomUUID() });
      await opened.changes.revoke({ user_id: user.user_id, tenant_id: cafe });
      await opened.changes.revoke({ user_id: user.user_id, issued_before: before });
      await opened.changes.revoke({ user_id: `user-${randomUUID()}` });
      expect(await targets(bakery)).toEqual([browser]);
      await subscribe(user, [bakery], browser, issuedAt - 1);
      expect(await targets(bakery)).toEqual([]);
    });

    it('counts a revocation as long as it is in force', async () => {
      const browser = aBrowser();
      const days = REVOCATION_IN_FORCE_MS / 86_400_000;
      await opened.changes.revoke({ user_id: user.user_id });
      await opened.ageRevocations(user.user_id, days - 1);
      await subscribe(user, [bakery], browser, Date.now() - (days + 10) * 86_400_000);
      expect(await targets(bakery)).toEqual([]);
      await opened.ageRevocations(user.user_id, 1);
      expect(await targets(bakery)).toEqual([browser]);
    });

    it('sends only while the user is a member, where the list of members had the user', async () => {
      const browser = aBrowser();
      await opened.members.put(user.user_id, bakery);
      await subscribe(user, [bakery, cafe], browser);
      expect([await targets(bakery), await targets(cafe)]).toEqual([[browser], [browser]]);
      await opened.members.remove(user.user_id, bakery);
      // of the other tenant, the list knew nothing: a token or a tenant service has named it
      expect([await targets(bakery), await targets(cafe)]).toEqual([[], [browser]]);
      await opened.members.put(user.user_id, bakery);
      expect(await targets(bakery)).toEqual([browser]);
      await opened.members.remove(user.user_id, bakery);
      await subscribe(user, [bakery], browser);
      expect(await targets(bakery)).toEqual([browser]);
    });

    it('sends for 30 days without a renewal, and so never for longer than a revocation is kept', async () => {
      const browser = aBrowser();
      await subscribe(user, [bakery], browser);
      await opened.age(browser.endpoint, 29);
      expect(await targets(bakery)).toEqual([browser]);
      await opened.age(browser.endpoint, 1);
      expect(await targets(bakery)).toEqual([]);
    });

    it('keeps the browsers that were renewed last, and no more than the limit', async () => {
      const browsers = Array.from({ length: MAX_BROWSERS + 2 }, aBrowser);
      for (const browser of browsers) await subscribe(user, [bakery], browser);
      const left = (await targets(bakery)).map(({ endpoint }) => endpoint);
      expect(left).toHaveLength(MAX_BROWSERS);
      expect(left).toContain(browsers.at(-1)!.endpoint);
      expect(left).not.toContain(browsers[0]!.endpoint);
    });

    it('lets a user of the same name at another issuer take no place of this user', async () => {
      const mine = aBrowser();
      await subscribe(user, [bakery], mine);
      const namesake = { ...user, issuer: 'https://other.example' };
      for (let nth = 0; nth < MAX_BROWSERS; nth += 1) await subscribe(namesake, [bakery], aBrowser());
      expect(await opened.subscriptions.of(user, [bakery])).toHaveLength(1);
      expect(await targets(bakery)).toContainEqual(mine);
    });

    it('keeps one row for each tenant when a browser subscribes several times at once', async () => {
      const browser = aBrowser();
      await Promise.all(Array.from({ length: 8 }, () => subscribe(user, [bakery, cafe], browser)));
      expect(await targets(bakery)).toEqual([browser]);
    });
  });
}
