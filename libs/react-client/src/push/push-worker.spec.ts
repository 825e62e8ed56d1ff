interface Shown {
  title: string;
  options: { tag?: string; renotify?: boolean; silent: boolean; data: unknown };
}
interface Page {
  url: string;
  focus: jest.Mock;
  navigate: jest.Mock;
  postMessage: jest.Mock;
}

/** A service worker's surroundings, with the worker running in them. */
function aWorker({ address = 'https://page.example/push-worker.js', pages = [] as Page[] } = {}) {
  const listeners = new Map<string, (event: object) => void>();
  const shown: Shown[] = [];
  const opened: string[] = [];
  const surroundings = {
    location: { href: address },
    registration: {
      scope: 'https://page.example/',
      getNotifications: async ({ tag }: { tag: string }) =>
        shown.filter(({ options }) => options.tag === tag).map(({ options }) => ({ data: options.data })),
      showNotification: async (title: string, options: Shown['options']) => void shown.push({ title, options }),
    },
    clients: { matchAll: async () => pages, openWindow: async (url: string) => void opened.push(url) },
    skipWaiting: async () => undefined,
    addEventListener: (name: string, listener: (event: object) => void) => void listeners.set(name, listener),
  };
  Object.assign(globalThis, surroundings);
  jest.isolateModules(() => void jest.requireActual('./push-worker'));
  const dispatch = async (name: string, event: object) => {
    const work: Promise<unknown>[] = [];
    listeners.get(name)!({ ...event, waitUntil: (promise: Promise<unknown>) => void work.push(promise) });
    await Promise.all(work);
  };
  return {
    shown,
    opened,
    push: (payload: unknown) => dispatch('push', { data: { json: () => payload } }),
    pushUnreadable: () => dispatch('push', { data: { json: () => JSON.parse('{') as unknown } }),
    click: (data: unknown) => dispatch('notificationclick', { notification: { data, close: () => undefined } }),
  };
}
const payload = (more: object = {}) => ({
  delivery_id: 'd1',
  tenant_id: 'bakery',
  alert_id: 'a1',
  seq: 12,
  severity: 'urgent',
  title: 'Flour is running low',
  body: 'Only 2 kg left',
  at: 1,
  ...more,
});
const aPage = (url: string): Page => ({
  url,
  focus: jest.fn(async () => undefined),
  navigate: jest.fn(async () => undefined),
  postMessage: jest.fn(),
});

test('an alert is shown, and a newer message on it replaces it and rings again', async () => {
  const worker = aWorker();
  await worker.push(payload());
  await worker.push(payload({ delivery_id: 'd2' }));
  expect(worker.shown).toMatchObject([
    { title: 'Flour is running low', options: { tag: 'a1', silent: false } },
    { options: { tag: 'a1', renotify: true, silent: false } },
  ]);
});

test('the same delivery once more stays silent', async () => {
  const worker = aWorker();
  await worker.push(payload());
  await worker.push(payload());
  expect(worker.shown[1]).toMatchObject({ options: { renotify: false, silent: true } });
});

test('an older message that arrives late leaves the newer one where it is, silently', async () => {
  const worker = aWorker();
  const newer = payload({ delivery_id: 'd2', seq: 15, title: 'Flour has run out', body: 'No bread today', at: 2 });
  await worker.push(newer);
  await worker.push(payload({ severity: 'high' }));
  expect(worker.shown[1]).toEqual({
    title: 'Flour has run out',
    options: { ...worker.shown[0]!.options, renotify: false, silent: true },
  });
  await worker.push(payload({ delivery_id: 'd3', seq: 16, title: 'There is flour again' }));
  expect(worker.shown[2]).toMatchObject({ title: 'There is flour again', options: { renotify: true, silent: false } });
});

test('of messages that arrive at the same time the newest stays', async () => {
  const worker = aWorker();
  await Promise.all([worker.push(payload({ delivery_id: 'd2', seq: 15 })), worker.push(payload())]);
  expect(worker.shown.map(({ options }) => options.data)).toMatchObject([{ seq: 15 }, { seq: 15 }]);
});

test('a payload that cannot be read is shown all the same', async () => {
  const worker = aWorker();
  await worker.pushUnreadable();
  await worker.push({});
  expect(worker.shown.map(({ title }) => title)).toEqual(['Tocsin', 'Tocsin']);
});

test('a click opens the page at the alert, where the page says', async () => {
  const worker = aWorker();
  await worker.click(payload());
  expect(worker.opened).toEqual(['https://page.example/?alert=a1']);
  const elsewhere = aWorker({ address: 'https://page.example/push-worker.js?open=/shop/{tenant_id}/{alert_id}' });
  await elsewhere.click(payload({ alert_id: 'a/1' }));
  expect(elsewhere.opened).toEqual(['https://page.example/shop/bakery/a%2F1']);
});

test('a click never leads to another site', async () => {
  const worker = aWorker({ address: 'https://page.example/push-worker.js?open=https://other.example/{alert_id}' });
  await worker.click(payload());
  expect(worker.opened).toEqual(['https://page.example/']);
});

test('a click brings a page that is open to the alert', async () => {
  const page = aPage('https://page.example/');
  const worker = aWorker({ pages: [aPage('https://other.example/'), page] });
  await worker.click(payload());
  expect(worker.opened).toEqual([]);
  expect(page.focus).toHaveBeenCalled();
  expect(page.postMessage).toHaveBeenCalledWith(
    { type: 'tocsin:open-alert', alert_id: 'a1', tenant_id: 'bakery' },
    expect.anything(),
  );
  expect(page.navigate).toHaveBeenCalledWith('https://page.example/?alert=a1');
});

test('a page that shows the alert itself is not loaded again, even if the browser refuses it the focus', async () => {
  const page = aPage('https://page.example/?view=mine');
  page.focus.mockRejectedValue(new Error('Not allowed to focus a window.'));
  page.postMessage.mockImplementation((_: unknown, [port]: [MessagePort]) => port.postMessage('opened'));
  await aWorker({ pages: [page] }).click(payload());
  expect(page.postMessage).toHaveBeenCalledTimes(1);
  expect(page.navigate).not.toHaveBeenCalled();
});
