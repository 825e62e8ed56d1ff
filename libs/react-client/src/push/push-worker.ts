// The service worker that shows alerts while the page is closed. It is a script of its own, without imports: a page
// serves the built file from its own origin, and its folder is the part of the site that the worker belongs to. The
// address with which it is registered may say which page a click opens: `/push-worker.js?open=/alerts?id={alert_id}`.
// Default: the page in the worker's folder, as `?alert=<id>`.

/** What the payload has: `PushPayload` of the API. */
interface Told {
  delivery_id: string;
  tenant_id: string;
  alert_id: string | null;
  /** The number of the alert's entry. */
  seq: number | null;
  severity: string;
  title: string;
  body: string;
  at: number;
}

/** The part of the service worker's scope that is used here; TypeScript has it in a library that excludes the DOM's. */
interface Scope {
  readonly location: { readonly href: string };
  readonly registration: {
    readonly scope: string;
    getNotifications(filter: { tag: string }): Promise<readonly { readonly data: unknown }[]>;
    showNotification(title: string, options: object): Promise<void>;
  };
  readonly clients: {
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<readonly OpenPage[]>;
    openWindow(url: string): Promise<unknown>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(name: 'install', listener: (event: Waiting) => void): void;
  addEventListener(name: 'push', listener: (event: Waiting & { data: { json(): unknown } | null }) => void): void;
  addEventListener(
    name: 'notificationclick',
    listener: (event: Waiting & { notification: { data: unknown; close(): void } }) => void,
  ): void;
}
interface Waiting {
  waitUntil(work: Promise<unknown>): void;
}
interface OpenPage {
  readonly url: string;
  focus(): Promise<unknown>;
  navigate(url: string): Promise<unknown>;
  postMessage(message: unknown, transfer: unknown[]): void;
}

const scope = globalThis as unknown as Scope;

/** A page that has not answered by then is led to the alert's address. */
const PAGE_ANSWERS_MS = 500;

/** Messages that arrive together are shown one after the other, so that each sees what the one before has shown. */
let showing: Promise<void> = Promise.resolve();

scope.addEventListener('install', (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener('push', (event) => {
  const payload = told(event.data);
  showing = showing.catch(() => undefined).then(() => showAlert(payload));
  event.waitUntil(showing);
});
scope.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(openAlert(event.notification.data as Told));
});

/** A browser ends the permission of a worker that shows nothing, so a payload that cannot be read is shown as such. */
function told(data: { json(): unknown } | null): Told {
  try {
    const value = data?.json() as Told;
    if (typeof value.title === 'string') return value;
  } catch {
    // below
  }
  return {
    delivery_id: '',
    tenant_id: '',
    alert_id: null,
    seq: null,
    severity: '',
    title: 'Tocsin',
    body: '',
    at: Date.now(),
  };
}

/**
 * One notification for each alert: a newer one replaces it and rings again. The same delivery once more, after an
 * answer of the push service was lost, replaces it silently. After an older one, which was tried again and comes late,
 * the newer one is shown once more, silently: each message must show something.
 */
async function showAlert(payload: Told): Promise<void> {
  const tag = payload.alert_id ?? payload.delivery_id;
  const notifications = tag ? await scope.registration.getNotifications({ tag }) : [];
  const shown = notifications.flatMap(({ data }) => (data as Told | null) ?? []);
  const newer = shown.find(({ seq }) => (seq ?? 0) > (payload.seq ?? 0));
  const isKnown = newer !== undefined || shown.some(({ delivery_id }) => delivery_id === payload.delivery_id);
  const { title, body, at, severity } = newer ?? payload;
  await scope.registration.showNotification(title, {
    body,
    ...(tag && { tag, renotify: !isKnown }),
    silent: isKnown,
    timestamp: at,
    requireInteraction: severity === 'urgent',
    data: newer ?? payload,
  });
}

/** Brings a page that is open to the front and to the alert, or opens one. */
async function openAlert(payload: Told): Promise<void> {
  const url = addressOf(payload);
  const pages = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const page = pages.find((one) => one.url.startsWith(scope.registration.scope));
  if (!page) return void (await scope.clients.openWindow(url));
  // a browser may refuse the focus; the page shows the alert all the same
  await page.focus().catch(() => undefined);
  if (await opensItself(page, payload)) return;
  // a page that this worker does not control cannot be led
  if (page.url !== url) await page.navigate(url).catch(() => undefined);
}

/** Whether a page that is open shows the alert itself, so that it need not be loaded again: it answers over a port. */
async function opensItself(page: OpenPage, { alert_id, tenant_id }: Told): Promise<boolean> {
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise<boolean>((resolve) => {
    setTimeout(() => resolve(false), PAGE_ANSWERS_MS);
    port1.onmessage = () => resolve(true);
  });
  page.postMessage({ type: 'tocsin:open-alert', alert_id, tenant_id }, [port2]);
  try {
    return await answer;
  } finally {
    port1.close();
  }
}

function addressOf({ alert_id, tenant_id }: Told): string {
  const chosen = new URL(scope.location.href).searchParams.get('open') ?? '?alert={alert_id}';
  const path = alert_id
    ? chosen
        .replaceAll('{alert_id}', encodeURIComponent(alert_id))
        .replaceAll('{tenant_id}', encodeURIComponent(tenant_id))
    : '';
  const url = new URL(path, scope.registration.scope);
  // the address of the registration is the page's own; still, a click never leads to another site
  return url.origin === new URL(scope.registration.scope).origin ? url.href : scope.registration.scope;
}
