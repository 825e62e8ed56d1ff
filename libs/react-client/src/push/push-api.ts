import type { PushState } from '@tocsin/contracts/wire';
import type { AlertsApi } from '../alerts/alerts-api';

/** Why this browser cannot show alerts while the page is closed, or whether it does. */
export type PushStatus =
  /** The browser has no push messages, or the page is not served over https. */
  | 'unsupported'
  /** The server sends none: it has no VAPID keys. */
  | 'not_offered'
  /** The user has forbidden notifications of this site; only the browser's settings can change that. */
  | 'denied'
  | 'off'
  | 'on';

export interface PushOptions {
  /** The address of the service worker on the page's origin. Default `/push-worker.js`. */
  worker?: string;
  /** For which tenants. Default: all of the user's. */
  tenants?: readonly string[];
}

const WORKER = '/push-worker.js';

/** The state of this browser. Asks the server, and never asks the user for anything. Rejects with an `ApiProblem`. */
export async function pushStatus(api: AlertsApi, { worker = WORKER }: PushOptions = {}): Promise<PushStatus> {
  if (!isSupported()) return 'unsupported';
  if (Notification.permission === 'denied') return 'denied';
  const { public_key, browsers } = await api.call<PushState>('GET', '/push');
  if (public_key === null) return 'not_offered';
  const subscription = await subscriptionOf(worker);
  if (!subscription) return 'off';
  const id = await browserId(subscription.endpoint);
  return browsers.some(({ browser_id }) => browser_id === id) ? 'on' : 'off';
}

/**
 * Renews this browser's subscription, since one that is not renewed for 30 days is forgotten. Call it when the page
 * opens: it asks the user for nothing, and the server only if there is a subscription. Rejects with an `ApiProblem`.
 */
export async function renewPush(api: AlertsApi, options: PushOptions = {}): Promise<void> {
  if (!isSupported() || !(await subscriptionOf(options.worker))) return;
  // permission was given before; a subscription of another user of this browser stays that user's
  if ((await pushStatus(api, options)) === 'on') await subscribeToPush(api, options);
}

/**
 * Has alerts shown in this browser while the page is closed. Call it from a click: browsers ask the user for permission
 * only then. Resolves to the state after it; call it again when the page opens, since a subscription that is not
 * renewed for 30 days is forgotten. Rejects with an `ApiProblem` when the server refuses or cannot be reached.
 */
export async function subscribeToPush(
  api: AlertsApi,
  { worker = WORKER, tenants }: PushOptions = {},
): Promise<PushStatus> {
  if (!isSupported()) return 'unsupported';
  // before anything that takes time: a browser asks only as long as the click is fresh
  if ((await Notification.requestPermission()) !== 'granted')
    return Notification.permission === 'denied' ? 'denied' : 'off';
  const { public_key } = await api.call<PushState>('GET', '/push');
  if (public_key === null) return 'not_offered';
  await navigator.serviceWorker.register(worker);
  const { pushManager } = await activeRegistration(worker);
  const { endpoint, keys } = (await subscriptionWith(pushManager, public_key)).toJSON();
  await api.call<PushState>('PUT', '/push', {
    body: { endpoint, p256dh: keys?.p256dh, auth: keys?.auth, ...(tenants && { tenants }) },
  });
  return 'on';
}

/** Stops it. Resolves when this browser gets nothing more, also when the server cannot be reached. */
export async function unsubscribeFromPush(api: AlertsApi, { worker = WORKER }: PushOptions = {}): Promise<PushStatus> {
  if (!isSupported()) return 'unsupported';
  const subscription = await subscriptionOf(worker);
  if (!subscription) return 'off';
  const browser = await browserId(subscription.endpoint);
  // the browser first: its push service answers 410 from now on, and then the server deletes the subscription anyway
  await subscription.unsubscribe();
  await api.call<PushState>('DELETE', '/push', { query: { browser } }).catch(() => undefined);
  return 'off';
}

const subscriptionOf = async (worker = WORKER): Promise<PushSubscription | null | undefined> =>
  (await navigator.serviceWorker.getRegistration(worker))?.pushManager.getSubscription();

const isSupported = (): boolean =>
  typeof navigator !== 'undefined' &&
  'serviceWorker' in navigator &&
  typeof PushManager !== 'undefined' &&
  typeof Notification !== 'undefined';

/** A subscription is bound to the server's key: one with another key gets nothing, and is made anew. */
async function subscriptionWith(manager: PushManager, publicKey: string): Promise<PushSubscription> {
  const key = bytesOf(publicKey);
  const present = await manager.getSubscription();
  if (present && sameBytes(present.options.applicationServerKey, key)) return present;
  await present?.unsubscribe();
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

/** The registration once its worker is active: a browser refuses to subscribe before. */
async function activeRegistration(worker: string): Promise<ServiceWorkerRegistration> {
  const registration = await navigator.serviceWorker.getRegistration(worker);
  const pending = registration?.installing ?? registration?.waiting;
  if (registration && !registration.active && pending)
    await new Promise<void>((resolve) => {
      pending.addEventListener('statechange', () => {
        if (pending.state === 'activated' || pending.state === 'redundant') resolve();
      });
    });
  return registration ?? navigator.serviceWorker.ready;
}

/** How the server names a browser: the SHA-256 of its endpoint. */
async function browserId(endpoint: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(endpoint));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const bytesOf = (base64url: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));

const sameBytes = (one: ArrayBuffer | null, two: Uint8Array): boolean =>
  one !== null && one.byteLength === two.length && new Uint8Array(one).every((byte, at) => byte === two[at]);
