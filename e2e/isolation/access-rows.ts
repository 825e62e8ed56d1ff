import { createECDH } from 'node:crypto';

/** The callers: one who may see the tenant, and four who may not, or not everything. */
export type Column = 'member' | 'revoked_tenant' | 'revoked_token' | 'foreign' | 'viewer';

/** Who decides about a user's tenants: the tenant service, or the claim of the token. */
export type DecidedBy = 'service' | 'claim';

/** The objects of the bakery that calls refer to. */
export interface Target {
  tenant: string;
  alert: string;
  letter: string;
  notification: string;
  delivery: string;
  webhook: string;
  epoch: string;
  fp: string;
}

/** A call of an operation: values of its path, a query, a body. */
export interface RowCall {
  values?: Record<string, string>;
  query?: string;
  body?: object;
}

export interface Row {
  what: string;
  call: (target: Target, assets: Record<string, string>) => RowCall;
  /** The expected result of each caller: `200`, `403 tenant_forbidden`, or the status with the result of `read`. */
  expected: (by: DecidedBy) => Record<Column, string>;
  /** Whether callers who may see it find the bakery's secret in the response. */
  shows?: boolean;
  /** The part of a 2xx body that is compared. */
  read?: (text: string) => string;
  /** For a stream: whether enough of it has been received. */
  enough?: (text: string) => boolean;
}

const REVOKED = '401 token_revoked';
type Expected = Record<Column, string>;
const who =
  (ok: string, { foreign = ok, revoked_tenant = foreign, viewer = ok }: Partial<Expected> = {}) =>
  (): Expected => ({ member: ok, viewer, foreign, revoked_tenant, revoked_token: REVOKED });

/** The call names a tenant: a foreign tenant is forbidden. */
const tenant = (ok = '200', viewer = ok) => who(ok, { foreign: '403 tenant_forbidden', viewer });
/** The call names an object of a tenant: in a foreign tenant it does not exist. */
const thing = (ok = '200', viewer = ok) => who(ok, { foreign: '404 not_found', viewer });
/** The call names nothing: each caller gets their own data. */
const own = (ok = '200', viewer = ok) => who(ok, { viewer });
/** The operation needs no credential. */
const open =
  (ok = '200') =>
  (): Expected => ({ member: ok, viewer: ok, foreign: ok, revoked_tenant: ok, revoked_token: ok });

const named = (call: Row['call'], expected: Row['expected'], more: Partial<Row> = {}): Row => ({
  what: 'named',
  call,
  expected,
  ...more,
});
const unnamed = (call: Row['call'], expected: Row['expected'], more: Partial<Row> = {}): Row => ({
  what: 'unnamed',
  call,
  expected,
  ...more,
});
const nothing: Row['call'] = () => ({});
const byQuery: Row['call'] = ({ tenant: id }) => ({ query: `?tenant=${id}` });
const byAlert =
  (body?: object): Row['call'] =>
  ({ alert }) => ({ values: { alert_id: alert, id: alert }, ...(body && { body }) });
const byLetter =
  (body?: object): Row['call'] =>
  ({ letter }) => ({ values: { id: letter }, ...(body && { body }) });
const byNotification: Row['call'] = ({ notification }) => ({ values: { id: notification } });
const byDelivery =
  (body?: object): Row['call'] =>
  ({ delivery }) => ({ values: { id: delivery }, ...(body && { body }) });
const byWebhook =
  (body?: object): Row['call'] =>
  ({ webhook }) => ({ values: { id: webhook }, ...(body && { body }) });
const READER = '403 role_forbidden';

/** A call of another system, at its address. */
const byPeer =
  (body?: object, action = 'notes'): Row['call'] =>
  ({ tenant: id }) => ({
    values: { tenant: id, service: 'published', identifier: 'none', action, requestId: 'bm9uZQ' },
    ...(body && { body }),
  });
const PAGER_DUTY = {
  event_action: 'trigger',
  payload: { summary: 'Cold', source: 'oven-1', severity: 'info', component: 'published' },
};
/** What a page gets from its browser. */
const BROWSER = {
  endpoint: 'https://push.example/of-a-test',
  p256dh: createECDH('prime256v1').generateKeys('base64url'),
  auth: Buffer.alloc(16, 1).toString('base64url'),
};
/** A token without the claim may publish for any tenant except a revoked one. */
const publishing: Row['expected'] = (by) => ({
  ...tenant('202')(),
  foreign: by === 'claim' ? '403 tenant_forbidden' : '202',
  revoked_tenant: '403 tenant_forbidden',
});

/** The result of the one alert of a bulk act. */
const actedOn = (text: string): string => {
  const { alerts, refused } = JSON.parse(text) as { alerts: unknown[]; refused: { code: string }[] };
  return alerts.length === 1 ? 'acted' : refused.map(({ code }) => code).join();
};
/** The tenants in a list of them. */
const tenantsIn = (text: string): string =>
  (JSON.parse(text) as { tenants: { tenant_id: string }[] }).tenants.map(({ tenant_id }) => tenant_id).join();
const both =
  (ok: string): Row['expected'] =>
  () => ({
    member: `${ok} bakery,cafe`,
    viewer: `${ok} bakery`,
    foreign: `${ok} diner`,
    revoked_tenant: `${ok} cafe`,
    revoked_token: REVOKED,
  });

const IN_AN_HOUR = new Date(Date.now() + 3_600_000).toISOString();

/**
 * How each operation of the OpenAPI document names a tenant, and the expected result for each caller. A new route needs
 * its rows here: the test compares the two lists.
 */
export const OPERATIONS: Readonly<Record<string, readonly Row[]>> = {
  // streams
  streamEvents: [
    named(({ tenant: id }) => ({ query: `?tenant=${id}&since=200` }), tenant(), {
      shows: true,
      enough: (text) => text.includes('Secret of'),
    }),
    unnamed(() => ({ query: '?since=200' }), own(), { enough: (text) => text.includes('Secret of') }),
  ],
  probeStream: [unnamed(nothing, open())],
  issueTicket: [unnamed(nothing, own('201'))],
  streamTopic: [
    named(({ tenant: id }) => ({ values: { id }, query: '?since=1' }), tenant(), {
      enough: (text) => text.includes('event: connection'),
    }),
  ],
  probeTopic: [named(({ tenant: id }) => ({ values: { id } }), open())],

  // alerts
  listAlerts: [named(byQuery, tenant(), { shows: true }), unnamed(nothing, own(), { shows: true })],
  groupAlerts: [
    named(({ tenant: id }) => ({ query: `?by=service&tenant=${id}` }), tenant(), { shows: true }),
    // the newest alert of a group may be that of another tenant
    unnamed(() => ({ query: '?by=name' }), own()),
  ],
  searchAlerts: [
    named(({ tenant: id }) => ({ body: { tenant: [id] } }), tenant(), { shows: true }),
    unnamed(() => ({ body: { facets: true } }), own(), { shows: true }),
  ],
  showAlert: [named(byAlert(), thing(), { shows: true })],
  showAlertHistory: [named(byAlert(), thing(), { shows: true })],
  countAlerts: [named(byQuery, tenant()), unnamed(nothing, own())],
  countByTenant: [named(byQuery, tenant()), unnamed(nothing, own())],
  actOnAlert: ['acknowledge', 'resolve', 'assign'].map((act) => ({
    ...named(byAlert({ act, ...(act === 'assign' && { assignee: 'me' }) }), thing('200', READER)),
    what: act,
  })),
  actOnAlerts: [
    named(
      ({ alert }) => ({ body: { act: 'acknowledge', alert_ids: [alert] } }),
      () => ({
        ...thing()(),
        member: '200 acted',
        viewer: '200 role_forbidden',
        foreign: '200 not_found',
        revoked_tenant: '200 not_found',
      }),
      { read: actedOn },
    ),
  ],

  // the log
  listEvents: [named(byQuery, tenant(), { shows: true }), unnamed(nothing, own(), { shows: true })],
  readSeenCursor: [unnamed(nothing, own())],
  reportShown: [
    unnamed(
      ({ tenant: id }) => ({ body: { sent_at: 1, shown: [{ tenant_id: id, seq: 1, shown_at: 1 }] } }),
      own('204'),
    ),
  ],
  // no OpenID provider is set here, so there is no session
  showSession: [unnamed(nothing, open('404 not_found'))],
  signOut: [unnamed(nothing, open('404 not_found'))],
  signIn: [unnamed(nothing, open('404 not_found'))],
  finishSignIn: [unnamed(nothing, open('404 not_found'))],
  moveSeenCursor: [
    named(({ tenant: id, epoch }) => ({ body: { tenants: [{ tenant_id: id, epoch, seq: 1 }] } }), tenant('200', '200')),
    unnamed(({ tenant: id, epoch, fp }) => ({ body: { cursor: `${id}=${epoch}-1-${fp}` } }), own()),
  ],

  // publishing: a token without the claim publishes for any tenant except a revoked one, and roles do not matter
  publishToTopic: [
    named(
      ({ tenant: id }) => ({ values: { id }, body: { data: 'an event' } }),
      (by) => ({
        ...tenant('202')(),
        foreign: by === 'claim' ? '403 tenant_forbidden' : '202',
        revoked_tenant: '403 tenant_forbidden',
      }),
    ),
  ],
  publishEvents: [
    named(
      ({ tenant: id }) => ({ body: { tenant_id: id, service: 'published', severity: 'low', name: 'one' } }),
      (by) => ({
        ...tenant('202')(),
        foreign: by === 'claim' ? '403 tenant_forbidden' : '202',
        revoked_tenant: '403 tenant_forbidden',
      }),
    ),
    {
      ...named(
        ({ tenant: id }) => ({
          body: ['elsewhere', id].map((tenant_id) => ({
            tenant_id,
            service: 'published',
            severity: 'low',
            name: 'two',
          })) as unknown as object,
        }),
        (by) => ({
          ...tenant(by === 'claim' ? '403 tenant_forbidden' : '202')(),
          foreign: by === 'claim' ? '403 tenant_forbidden' : '202',
          revoked_tenant: '403 tenant_forbidden',
        }),
      ),
      what: 'among others',
    },
    {
      ...named(
        ({ tenant: id }) => ({
          query: `?tenant=${id}`,
          body: { service: 'published', severity: 'low', name: 'three' },
        }),
        (by) => ({
          ...tenant('202')(),
          foreign: by === 'claim' ? '403 tenant_forbidden' : '202',
          revoked_tenant: '403 tenant_forbidden',
        }),
      ),
      what: 'in the address',
    },
  ],

  // the addresses of other systems contain the tenant, and publish by the same right
  ...Object.fromEntries(
    (['', 'OfService'] as const).flatMap((suffix) => [
      [`enqueuePagerDutyEvent${suffix}`, [named(byPeer({ ...PAGER_DUTY, dedup_key: `pd${suffix}` }), publishing)]],
      [`createOpsgenieAlert${suffix}`, [named(byPeer({ message: 'Cold', alias: `og${suffix}` }), publishing)]],
      [`updateOpsgenieAlert${suffix}`, [named(byPeer({ note: 'seen' }), publishing)]],
      [`changeOpsgenieAlert${suffix}`, [named(byPeer({ message: 'Colder' }, 'message'), publishing)]],
      // the response depends on whether there is such an alert: there is none for any caller
      [`readOpsgenieRequest${suffix}`, [named(byPeer(), own('404 not_found'))]],
    ]),
  ),

  // notifications: asked for by the same right; what another has asked for is reached by the tenant's users
  createNotification: [
    named(
      ({ tenant: id }) => ({
        body: { tenant_id: id, title: 'one', recipients: ['user:ana'], channels: ['push'], at: IN_AN_HOUR },
      }),
      (by) => ({
        ...tenant('201')(),
        foreign: by === 'claim' ? '403 tenant_forbidden' : '201',
        revoked_tenant: '403 tenant_forbidden',
      }),
    ),
  ],
  listNotifications: [named(byQuery, tenant()), unnamed(nothing, own())],
  showNotification: [named(byNotification, thing(), { shows: true })],
  cancelNotification: [named(byNotification, thing('200', READER))],

  // deliveries
  listAlertDeliveries: [named(byAlert(), thing())],
  listDeliveries: [named(byQuery, tenant())],
  showDelivery: [named(byDelivery(), thing())],
  redriveDelivery: [named(byDelivery({ may_repeat: false }), thing('200', READER))],
  redriveDeliveries: [
    named(({ tenant: id }) => ({ body: { tenant: id, status: 'failed', limit: 1 } }), tenant('200', READER)),
  ],
  cancelDelivery: [named(byDelivery(), thing('200', READER))],
  readRecipients: [named(byQuery, tenant())],
  replaceRecipients: [
    named(({ tenant: id }) => ({ query: `?tenant=${id}`, body: { recipients: {} } }), tenant('200', READER)),
  ],

  // dead letters
  listDeadLetters: [
    named(({ tenant: id }) => ({ query: `?tenant=${id}` }), tenant()),
    unnamed(() => ({ query: '?status=all' }), own()),
  ],
  summariseDeadLetters: [unnamed(nothing, own())],
  showDeadLetter: [named(byLetter(), thing(), { shows: true })],
  redriveDeadLetter: [named(byLetter(), thing('200', READER))],
  discardDeadLetter: [named(byLetter({ note: 'a test' }), thing('200', READER))],
  redriveDeadLetters: [
    named(({ tenant: id }) => ({ body: { tenant_id: id, limit: 1 } }), tenant('200', READER)),
    unnamed(() => ({ body: { limit: 1 } }), own('200', READER)),
  ],
  discardDeadLetters: [
    named(({ tenant: id }) => ({ body: { tenant_id: id, limit: 1, note: 'a test' } }), tenant('200', READER)),
    unnamed(() => ({ body: { limit: 1, note: 'a test' } }), own('200', READER)),
  ],

  // the system: for operators, and these callers are none
  showHealth: [unnamed(nothing, own('403 insufficient_scope'))],

  // push: the browsers are the user's own, and reading is all that they allow
  showPush: [unnamed(nothing, own())],
  subscribeToPush: [
    named(({ tenant: id }) => ({ body: { ...BROWSER, tenants: [id] } }), tenant('200', '200')),
    unnamed(() => ({ body: BROWSER }), own()),
  ],
  unsubscribeFromPush: [unnamed(() => ({ query: `?browser=${'0'.repeat(64)}` }), own('404 not_found'))],

  // providers: no token, and nothing without the signature of the provider
  reportTwilioStatus: [unnamed(nothing, open('404 not_found'))],
  receiveTwilioReply: [unnamed(nothing, open('404 not_found'))],
  // webhooks
  listWebhooks: [named(byQuery, tenant()), unnamed(nothing, own())],
  configureWebhook: [
    named(
      ({ tenant: id }) => ({ body: { tenant_id: id, url: 'https://hooks.example.com/configured' } }),
      tenant('200', READER),
    ),
  ],
  showWebhook: [named(byWebhook(), thing())],
  changeWebhook: [named(byWebhook({ format: 'slack' }), thing('200', READER))],
  showWebhookSecret: [named(byWebhook(), thing('200', READER))],
  testWebhook: [named(byWebhook(), thing('202', READER))],

  // access
  listTenants: [unnamed(nothing, both('200'), { read: tenantsIn })],
  // its scope is for users of any tenant, and memberships do not matter
  revokeAccess: [named(({ tenant: id }) => ({ body: { user_id: 'no such user', tenant_id: id } }), own('202'))],

  // links in messages: the signed token in the address is the credential, and a token of a user is not read
  ...Object.fromEntries(
    ['showAcknowledgement', 'acknowledgeByLink', 'showSubscription', 'unsubscribe'].map((id) => [
      id,
      [unnamed(() => ({ values: { token: 'none' } }), open('404'))],
    ]),
  ),

  // documents
  ...Object.fromEntries(
    ['welcome', 'showApi', 'readOpenApi', 'showEvents', 'readAsyncApi', 'showErrors', 'showGuide'].map((id) => [
      id,
      [unnamed(nothing, open())],
    ]),
  ),
  readPushWorker: [unnamed(nothing, open())],
  showEmbedPreview: [unnamed(nothing, open())],
  readGuidePage: [unnamed(() => ({ values: { name: 'install' } }), open())],
  readPageAsset: [unnamed((_, assets) => ({ values: { name: assets.readPageAsset! } }), open())],
  readAsset: [unnamed((_, assets) => ({ values: { name: assets.readAsset! } }), open())],
};

export const rowsOf = (operationId: string): readonly Row[] => OPERATIONS[operationId] ?? [];
