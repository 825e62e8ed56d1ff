import { token, type NotificationRoutes } from './routes';

/** The routes of recipients. */
export function describeRecipientRoutes({ ask, ana, viewer, eve, tenant }: NotificationRoutes): void {
  describe('recipients', () => {
    const path = () => `/recipients?tenant=${tenant()}`;
    const put = (recipients: unknown, by = ana(), headers: Record<string, string> = {}) =>
      ask('PUT', path(), by, { recipients }, headers);

    test('are read by all users of the tenant and replaced as a whole by those who may act', async () => {
      const recipients = {
        urgent: { email: ['ana@example.com'], sms: ['+4915112345678'] },
        low: { push: ['user:ana'] },
      };
      expect(await put(recipients)).toMatchObject({ status: 200, body: { tenant_id: tenant(), recipients } });
      expect((await ask('GET', path(), viewer())).body).toEqual({ tenant_id: tenant(), recipients });
      expect(await put({}, viewer())).toMatchObject({ status: 403, body: { code: 'role_forbidden' } });
      for (const method of ['GET', 'PUT'])
        expect(await ask(method, path(), eve(), method === 'PUT' ? { recipients: {} } : undefined)).toMatchObject({
          status: 403,
          body: { code: 'tenant_forbidden' },
        });
      expect(await put({})).toMatchObject({ status: 200, body: { recipients: {} } });
    });

    test('are read with the host alone of a webhook, by those who may not act, and with the ETag of the whole list', async () => {
      const recipients = {
        high: {
          email: ['ana@example.com'],
          webhook: ['http://hooks.example.com:8080/?key=secret', 'https://hooks.slack.com/services/T0/B0/secret'],
        },
      };
      const stored = await put(recipients);
      const shown = {
        email: ['ana@example.com'],
        webhook: ['http://hooks.example.com:8080/…', 'https://hooks.slack.com/…'],
      };
      const reader = token('ana', ['alerts:read'], [{ id: tenant(), role: 'owner' }]);
      for (const by of [viewer(), reader]) {
        const read = await ask('GET', path(), by);
        expect(read.body).toEqual({ tenant_id: tenant(), recipients: { high: shown } });
        expect(read.headers.get('etag')).toBe(stored.headers.get('etag'));
      }
      expect((await ask('GET', path(), ana())).body).toEqual({ tenant_id: tenant(), recipients });
      expect(await put({ high: shown })).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/recipients/high/webhook/0' }, { pointer: '/recipients/high/webhook/1' }] },
      });
    });

    test('that were replaced meanwhile are not overwritten', async () => {
      const read = (await ask('GET', path(), ana())).headers.get('etag')!;
      const first = await put({ high: { email: ['a@example.com'] } }, ana(), { 'If-Match': read });
      expect(first.status).toBe(200);
      expect(await put({}, ana(), { 'If-Match': read })).toMatchObject({
        status: 412,
        body: { code: 'changed_meanwhile' },
      });
      expect(await put({}, ana(), { 'If-Match': 'W/"x"' })).toMatchObject({ status: 412 });
      expect((await put({}, ana(), { 'If-Match': first.headers.get('etag')! })).status).toBe(200);
      expect((await put({}, ana(), { 'If-Match': '*' })).status).toBe(200);
    });

    test.each([
      [{ urgent: { email: ['ana@example.com', 'ana'] } }, 'invalid_recipient', '/recipients/urgent/email/1'],
      [{ urgent: { sms: ['015112345678'] } }, 'invalid_recipient', '/recipients/urgent/sms/0'],
      [{ critical: {} }, 'invalid_field', '/recipients'],
      [{ low: { fax: [] } }, 'invalid_field', '/recipients'],
      [{ low: { email: 'a@example.com' } }, 'invalid_field', '/recipients'],
      [[], 'invalid_field', '/recipients'],
      [undefined, 'invalid_field', '/recipients'],
    ])('%j are refused with a pointer', async (recipients, code, pointer) => {
      const { status, body: problem } = await put(recipients);
      expect([status, problem.code, problem.errors[0]!.pointer]).toEqual([422, code, pointer]);
    });
  });
}
