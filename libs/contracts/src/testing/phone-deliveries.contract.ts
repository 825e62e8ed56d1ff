import { randomUUID } from 'node:crypto';
import type { Deliveries, DeliveryQueue, EventLog, PhoneDeliveries } from '../ports';
import type { TenantId } from '../tenant';
import type { Channel, DeliveryReason, ProviderStatus, Severity } from '../wire';
import { aPlannedEvent, aTenant } from './an-alert';
import { eventually } from './eventually';

interface OpenPhoneDeliveries {
  phones: PhoneDeliveries;
  log: EventLog;
  deliveries: Deliveries;
  queue: DeliveryQueue;
  /** Runs a statement as the owner of the store. */
  sql<Row = unknown>(text: string): Promise<Row[]>;
  close(): Promise<void>;
}

interface Stands {
  status: string;
  reason: string | null;
  provider_status: string | null;
}

/** What every `PhoneDeliveries` does without a fault. `open` is called once, so tests use phones of their own. */
export function describePhoneDeliveries(name: string, { open }: { open(): Promise<OpenPhoneDeliveries> }): void {
  describe(`${name} as the record of what phones say`, () => {
    let opened: OpenPhoneDeliveries;
    let phones = 0;
    let tenant_id: TenantId;
    let phone: string;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());
    beforeEach(() => {
      tenant_id = aTenant();
      phone = `+4930${1_000_000 + (phones += 1)}`;
    });

    /** Raises an alert of which the phone is told, and returns the id of the delivery. */
    async function told({
      tenant = tenant_id,
      title = 'Flour is running low',
      dedup_key = randomUUID() as string,
      severity = 'high' as Severity,
      channel = 'sms' as Channel,
      status = 'sent',
      at = 'now()',
      due = '',
    } = {}): Promise<{ delivery: string; alert: string; seq: number }> {
      const [stored] = await opened.log.append([
        aPlannedEvent(
          { tenant_id: tenant, title, dedup_key, severity },
          { deliveries: [{ channel, recipient: phone }] },
        ),
      ]);
      if (stored?.outcome !== 'stored') throw new Error('The alert was not stored.');
      const { seq, alert_id } = stored.event.entry;
      const [row] = await opened.sql<{ delivery_id: string }>(
        `update tocsin.delivery set status = '${status}', created_at = ${at}
         where tenant_id = '${tenant}' and seq = ${seq} returning delivery_id`,
      );
      const delivery = row!.delivery_id;
      await opened.sql(`delete from tocsin.delivery_due where delivery_id = '${delivery}'`);
      if (due)
        await opened.sql(
          `insert into tocsin.delivery_due (tenant_id, delivery_id, channel, alert_id, seq, recipient, planned_at, first_due_at, due_at, attempt, begun_at)
           select tenant_id, delivery_id, channel, alert_id, seq, recipient, created_at, due_at, now(), 1, ${due}
           from tocsin.delivery where tenant_id = '${tenant}' and delivery_id = '${delivery}'`,
        );
      return { delivery, alert: alert_id, seq };
    }
    const report = (
      delivery_id: string,
      status: ProviderStatus,
      reason: DeliveryReason | null = null,
      provider_id = `SM-${delivery_id}`,
    ) => opened.phones.report({ tenant_id, delivery_id, provider_id, status, reason, code: null });
    const stands = async (delivery: string): Promise<Stands> =>
      (
        await opened.sql<Stands>(
          `select status, reason, provider_status from tocsin.delivery where delivery_id = '${delivery}'`,
        )
      )[0]!;

    it('keeps that a message has arrived, and that it was read', async () => {
      const { delivery } = await told();
      expect(await report(delivery, 'delivered')).toBe(true);
      expect(await stands(delivery)).toEqual({ status: 'sent', reason: null, provider_status: 'delivered' });
      await report(delivery, 'read');
      expect(await stands(delivery)).toMatchObject({ provider_status: 'read' });
    });

    it('makes a delivery failed whose message did not arrive, with the reason', async () => {
      const { delivery } = await told();
      await report(delivery, 'undelivered', 'invalid_recipient');
      expect(await stands(delivery)).toEqual({
        status: 'failed',
        reason: 'invalid_recipient',
        provider_status: 'undelivered',
      });
    });

    it('says the same whichever of two reports comes first', async () => {
      const { delivery: one } = await told();
      const { delivery: two } = await told();
      await report(one, 'sent');
      await report(one, 'undelivered', 'rejected');
      await report(two, 'undelivered', 'rejected');
      await report(two, 'sent');
      expect(await stands(one)).toEqual(await stands(two));
      expect(await stands(one)).toMatchObject({ status: 'failed', reason: 'rejected' });
    });

    it('makes an unknown delivery sent: the provider has it after all', async () => {
      const { delivery } = await told({ status: 'unknown' });
      await report(delivery, 'sent');
      expect(await stands(delivery)).toMatchObject({ status: 'sent', reason: null });
    });

    it('settles an attempt that is under way, and keeps one that waits from being made', async () => {
      const { delivery: underWay } = await told({ status: 'pending', due: 'now()' });
      const { delivery: waiting } = await told({ status: 'pending', due: 'null' });
      await report(underWay, 'sent');
      await report(waiting, 'sent');
      for (const delivery of [underWay, waiting]) {
        expect(await stands(delivery)).toMatchObject({ status: 'sent', reason: null });
        expect(await opened.sql(`select from tocsin.delivery_due where delivery_id = '${delivery}'`)).toEqual([]);
      }
      expect(
        await opened.sql(
          `select attempt, outcome, provider_id from tocsin.delivery_attempt where delivery_id = '${underWay}'`,
        ),
      ).toEqual([{ attempt: 1, outcome: 'sent', provider_id: `SM-${underWay}` }]);
    });

    describe('on a delivery that is redriven', () => {
      /** A delivery of which one attempt is on record: the message, or null if the provider's answer to it was lost. */
      async function toldBy(message: string | null): Promise<string> {
        const { delivery } = await told({ status: message === null ? 'unknown' : 'sent' });
        await opened.sql(
          `insert into tocsin.delivery_attempt (tenant_id, delivery_id, attempt, begun_at, ended_at, outcome, provider_id)
           select tenant_id, delivery_id, 1, now(), now(), status, ${message === null ? 'null' : `'${message}'`}
           from tocsin.delivery where tenant_id = '${tenant_id}' and delivery_id = '${delivery}'`,
        );
        return delivery;
      }
      const redrive = async (delivery: string) =>
        expect(await opened.deliveries.redrive([tenant_id], [delivery], ['failed', 'unknown'])).toEqual([delivery]);
      /** The next attempt begins. `settle` ends it: the provider has taken the message. */
      async function begin(delivery: string) {
        const claim = { atMost: 1_000, leaseMs: 30_000, atMostOnce: true };
        const { deliveries } = await opened.queue.claim('sms', claim);
        const { attempt } = deliveries.find(({ delivery_id }) => delivery_id === delivery)!;
        const held = { tenant_id, delivery_id: delivery, attempt };
        expect(await opened.queue.begin([held], claim.leaseMs)).toEqual([]);
        const settle = async (provider_id: string) =>
          (await opened.queue.settle([{ ...held, outcome: 'sent', answer: '201 queued', provider_id }]))[0]!;
        return { held, settle };
      }

      it('tells each claim how many attempts preceded the redrive, also after its worker was lost and is back', async () => {
        const delivery = await toldBy(null);
        await opened.sql(`update tocsin.delivery_attempt set begun_at = now() - interval '1 hour', attempt = 7
          where delivery_id = '${delivery}'`);
        await redrive(delivery);
        const claim = { atMost: 1_000, leaseMs: 30_000, atMostOnce: true };
        const claimed = () =>
          eventually(async () => {
            const { deliveries } = await opened.queue.claim('sms', claim);
            const { attempt, attempts_before } = deliveries.find(({ delivery_id }) => delivery_id === delivery)!;
            return { attempt, attempts_before };
          });
        const held = (attempt: number) => ({ tenant_id, delivery_id: delivery, attempt });
        const again = (attempt: number) =>
          opened.queue.settle([
            { ...held(attempt), outcome: 'retry', reason: 'provider_error', answer: '503', again_in_ms: 0 },
          ]);
        expect(await claimed()).toEqual({ attempt: 8, attempts_before: 7 });
        expect(await opened.queue.begin([held(8)], 30_000)).toEqual([]);
        expect(await again(8)).toEqual(['pending']);
        expect(await claimed()).toEqual({ attempt: 9, attempts_before: 7 });
        expect(await opened.queue.begin([held(9)], 1)).toEqual([]);
        await eventually(async () => expect((await opened.queue.claim('sms', claim)).lost).toBe(1));
        expect(await stands(delivery)).toMatchObject({ status: 'unknown' });
        expect(await again(9)).toEqual(['pending']);
        expect(await claimed()).toEqual({ attempt: 10, attempts_before: 7 });
      });

      it('counts what is said of the new message, as if nothing had been said of the first', async () => {
        const delivery = await toldBy('SM-first');
        await report(delivery, 'undelivered', 'rejected', 'SM-first');
        await redrive(delivery);
        expect(await stands(delivery)).toEqual({ status: 'pending', reason: null, provider_status: null });
        await (await begin(delivery)).settle('SM-second');
        await report(delivery, 'sent', null, 'SM-second');
        await report(delivery, 'undelivered', 'invalid_recipient', 'SM-second');
        expect(await stands(delivery)).toEqual({
          status: 'failed',
          reason: 'invalid_recipient',
          provider_status: 'undelivered',
        });
      });

      it('counts nothing that is said of an earlier message, while it waits, is sent and was sent', async () => {
        const delivery = await toldBy('SM-first');
        await report(delivery, 'undelivered', 'rejected', 'SM-first');
        await redrive(delivery);
        const repeat = () => report(delivery, 'undelivered', 'rejected', 'SM-first');
        expect(await repeat()).toBe(true);
        expect(await stands(delivery)).toEqual({ status: 'pending', reason: null, provider_status: null });
        const { settle } = await begin(delivery);
        await repeat();
        expect(await stands(delivery)).toEqual({ status: 'pending', reason: null, provider_status: null });
        expect(await settle('SM-second')).toBe('sent');
        await repeat();
        expect(await stands(delivery)).toEqual({ status: 'sent', reason: null, provider_status: null });
      });

      it('counts what is said of the new message before its attempt is settled', async () => {
        const delivery = await toldBy('SM-first');
        await report(delivery, 'undelivered', 'rejected', 'SM-first');
        await redrive(delivery);
        const { settle } = await begin(delivery);
        await report(delivery, 'undelivered', 'invalid_recipient', 'SM-second');
        expect(await settle('SM-second')).toBe('failed');
        await report(delivery, 'delivered', null, 'SM-first');
        expect(await stands(delivery)).toMatchObject({ status: 'failed', reason: 'invalid_recipient' });
        await report(delivery, 'delivered', null, 'SM-second');
        expect(await stands(delivery)).toMatchObject({ status: 'sent', provider_status: 'delivered' });
      });

      it('knows the first message by its report when the answer to it was lost', async () => {
        const delivery = await toldBy(null);
        await report(delivery, 'undelivered', 'rejected', 'SM-first');
        expect(await stands(delivery)).toMatchObject({ status: 'failed' });
        await redrive(delivery);
        await report(delivery, 'undelivered', 'rejected', 'SM-first');
        expect(await stands(delivery)).toEqual({ status: 'pending', reason: null, provider_status: null });
      });

      it('counts a late report on a message without a known id only until the id of a newer one is known', async () => {
        const waiting = await toldBy(null);
        await redrive(waiting);
        await report(waiting, 'delivered', null, 'SM-lost');
        expect(await stands(waiting)).toMatchObject({ status: 'sent', provider_status: 'delivered' });
        const sent = await toldBy(null);
        await redrive(sent);
        await (await begin(sent)).settle('SM-second');
        await report(sent, 'undelivered', 'rejected', 'SM-lost');
        expect(await stands(sent)).toEqual({ status: 'sent', reason: null, provider_status: null });
      });

      it('sends the new message although the lost one is reported undelivered, also after an attempt that failed', async () => {
        const delivery = await toldBy(null);
        await redrive(delivery);
        const waits = { status: 'pending', reason: null, provider_status: null };
        expect(await report(delivery, 'undelivered', 'rejected', 'SM-lost')).toBe(true);
        expect(await stands(delivery)).toEqual(waits);
        const { held } = await begin(delivery);
        const refused = { ...held, outcome: 'retry', reason: 'provider_error', answer: '503', again_in_ms: 0 } as const;
        expect(await opened.queue.settle([refused])).toEqual(['pending']);
        await report(delivery, 'undelivered', 'rejected', 'SM-lost');
        expect(await stands(delivery)).toEqual(waits);
        expect(await (await begin(delivery)).settle('SM-second')).toBe('sent');
        await report(delivery, 'delivered', null, 'SM-second');
        expect(await stands(delivery)).toEqual({ status: 'sent', reason: null, provider_status: 'delivered' });
      });

      it('goes on counting reports on the new message when one without a known id was taken for it', async () => {
        const delivery = await toldBy(null);
        await redrive(delivery);
        const { settle } = await begin(delivery);
        await report(delivery, 'undelivered', 'rejected', 'SM-lost');
        await settle('SM-second');
        await report(delivery, 'delivered', null, 'SM-second');
        expect(await stands(delivery)).toEqual({ status: 'sent', reason: null, provider_status: 'delivered' });
      });
    });

    it('leaves a cancelled delivery cancelled', async () => {
      const { delivery } = await told({ status: 'cancelled' });
      await report(delivery, 'delivered');
      expect(await stands(delivery)).toMatchObject({ status: 'cancelled', provider_status: 'delivered' });
    });

    it('knows no delivery of another tenant or channel, and none that does not exist', async () => {
      const { delivery: elsewhere } = await told({ tenant: aTenant() });
      const { delivery: mail } = await told({ channel: 'email' });
      for (const delivery of [elsewhere, mail, randomUUID()]) expect(await report(delivery, 'undelivered')).toBe(false);
      expect(await stands(elsewhere)).toMatchObject({ status: 'sent', provider_status: null });
    });

    it('says that the alert has rung again since, and not of another alert', async () => {
      const dedup_key = randomUUID();
      const first = await told({ dedup_key });
      await told();
      expect(await opened.phones.toldBy(phone, first.seq)).toMatchObject([{ rung_again: null }]);
      const raised = await told({ dedup_key, severity: 'urgent' });
      expect(raised.alert).toBe(first.alert);
      expect(await opened.phones.toldBy(phone, first.seq)).toMatchObject([{ rung_again: raised.seq }]);
      expect(await opened.phones.toldBy(phone, raised.seq)).toMatchObject([{ rung_again: null }]);
    });

    it('finds the alert of which a phone was told under a number', async () => {
      const { alert, seq } = await told({ title: 'The oven is cold' });
      expect(await opened.phones.toldBy(phone, seq)).toEqual([
        { tenant_id, alert_id: alert, title: 'The oven is cold', status: 'firing', rung_again: null },
      ]);
      expect(await opened.phones.toldBy(phone, seq + 1)).toEqual([]);
      expect(await opened.phones.toldBy(`${phone}1`, seq)).toEqual([]);
    });

    it('finds that of each tenant, the newest first', async () => {
      const older = aTenant();
      const { seq } = await told({ tenant: older, at: `now() - interval '1 hour'` });
      await told();
      expect((await opened.phones.toldBy(phone, seq)).map((one) => one.tenant_id)).toEqual([tenant_id, older]);
    });

    it('finds nothing that was never sent, is older than 7 days or went over another channel', async () => {
      const { seq } = await told({ status: 'cancelled' });
      for (const tenant of [aTenant(), aTenant()]) await told({ tenant, status: 'expired' });
      await told({ tenant: aTenant(), at: `now() - interval '8 days'` });
      await told({ tenant: aTenant(), channel: 'webhook' });
      expect(await opened.phones.toldBy(phone, seq)).toEqual([]);
    });
  });
}
