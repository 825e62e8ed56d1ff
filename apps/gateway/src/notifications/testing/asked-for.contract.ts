import type { Notification, NotificationDetail } from '@tocsin/contracts';
import { token, type NotificationRoutes } from './routes';

/** What a service gets that asks for a notification. */
export function describeAskedFor({ ask, body, create, start, orders, rings }: NotificationRoutes): void {
  describe('a notification that is asked for', () => {
    test('is stored before the answer, rings the notifiers, and is shown with its deliveries', async () => {
      const { status, body: made, headers } = await create({ message: ' soon ', severity: 'high' });
      expect([status, headers.get('location'), rings()]).toEqual([
        201,
        `/api/v1/notifications/${made.notification_id}`,
        1,
      ]);
      expect(made).toMatchObject({
        status: 'scheduled',
        message: 'soon',
        severity: 'high',
        created_by: 'orders',
        asked_for: null,
      });
      await start();
      const shown = await ask<NotificationDetail>('GET', `/notifications/${made.notification_id}`, orders());
      expect(shown.body).toMatchObject({
        status: 'started',
        deliveries: [{ channel: 'email', status: 'pending', attempts: [] }],
      });
    });

    test('for later does not ring the notifiers, and keeps the local time that was asked for', async () => {
      const year = new Date().getUTCFullYear() + 1;
      const local = { date: `${year}-07-01`, time: '09:00', time_zone: 'Europe/Berlin' };
      const { body: made } = await create({ local });
      expect(made).toMatchObject({
        due_at: `${year}-07-01T07:00:00.000Z`,
        asked_for: { local, tz: process.versions.tz },
      });
      const before = { date: `${year}-07-04`, days: 3, time: '09:00', time_zone: 'Europe/Berlin' };
      expect((await create({ before })).body.due_at).toBe(made.due_at);
      expect((await create({ at: `${year}-07-01T09:00:00+02:00` })).body.due_at).toBe(made.due_at);
      expect(rings()).toBe(0);
    });

    test('is stored once for one key, in any order of the fields of the body', async () => {
      const key = { 'Idempotency-Key': 'order-4711' };
      const first = await create({ severity: 'low' }, orders(), key);
      const { title, ...rest } = body({ severity: 'low' });
      const again = await ask<Notification>('POST', '/notifications', orders(), { ...rest, title }, key);
      expect([first.status, again.status]).toEqual([201, 201]);
      expect(again.body).toEqual(first.body);
      expect(await create({ severity: 'high' }, orders(), key)).toMatchObject({
        status: 409,
        body: { code: 'idempotency_conflict' },
      });
      expect((await create({ severity: 'high' }, token('billing', ['events:publish']), key)).status).toBe(201);
      expect(await create({}, orders(), { 'Idempotency-Key': 'a b' })).toMatchObject({
        status: 400,
        body: { code: 'invalid_request' },
      });
      expect(rings()).toBe(2);
    });

    test.each([
      [
        { recipients: Array.from({ length: 101 }, (_, at) => `${at}@example.com`) },
        'too_many_recipients',
        '/recipients',
      ],
      [{ recipients: ['ana@example.com', 'ana'] }, 'invalid_recipient', '/recipients/1'],
      [{ recipients: ['ana@example.com'], channels: ['sms'] }, 'invalid_recipient', '/recipients/0'],
      [{ recipients: [] }, 'empty_batch', '/recipients'],
      [{ channels: [] }, 'empty_batch', '/channels'],
      [{ channels: ['fax'] }, 'invalid_field', '/channels'],
      [{ title: 'one\r\nBcc: eve@example.com' }, 'invalid_field', '/title'],
      [{ title: ' ' }, 'invalid_field', '/title'],
      [{ at: '2001-01-01T00:00:00Z' }, 'time_in_past', '/at'],
      [{ at: '2999-01-01T00:00:00Z' }, 'time_too_far', '/at'],
      [{ at: '2999-01-01T00:00:00' }, 'invalid_field', '/at'],
      [
        { local: { date: '2027-03-28', time: '02:30', time_zone: 'Europe/Berlin' } },
        'time_does_not_exist',
        '/local/time',
      ],
      [
        { local: { date: '2027-03-28', time: '02:30', time_zone: 'Mars/Olympus' } },
        'unknown_time_zone',
        '/local/time_zone',
      ],
      [{ local: { date: '2027-03-28', time: '02:30', time_zone: 'CET' } }, 'ambiguous_time_zone', '/local/time_zone'],
      [{ local: { date: '2027-03-28', time: '25:30', time_zone: 'UTC' } }, 'invalid_field', '/local/time'],
      [{ local: { date: '2027-03-28', time: '02:30', zone: 'UTC' } }, 'unknown_field', '/local/zone'],
      [{ local: [] }, 'invalid_field', '/local'],
      [{ local: null }, 'invalid_field', '/local'],
      [{ before: { date: '2027-03-28', time: '02:30', time_zone: 'UTC', days: 731 } }, 'invalid_field', '/before/days'],
      [{ at: '2027-01-01T00:00:00Z', digest: { key: 'k', every_seconds: 60 } }, 'invalid_field', '/at'],
      [{ digest: { key: 'k', every_seconds: 1 } }, 'invalid_field', '/digest/every_seconds'],
    ])('%j is refused with its own code and a pointer', async (more, code, pointer) => {
      const { status, body: problem } = await create(more);
      expect([status, problem.code, problem.errors[0]!.pointer]).toEqual([422, code, pointer]);
    });

    test.each(['title', 'message'])('whose %s the database cannot keep is refused, with one code', async (field) => {
      for (const text of ['a\0b', 'a\ud800b'])
        expect(await create({ [field]: text })).toMatchObject({ status: 422, body: { code: 'control_characters' } });
    });
  });
}
