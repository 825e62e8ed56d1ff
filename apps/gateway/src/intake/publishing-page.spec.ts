import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEvents, type PublishRequest } from './read-events';

const page = readFileSync(join(__dirname, '../../../../docs/publishing.md'), 'utf8');

/** The requests that the documentation page's `curl` commands send, by their heading. */
function requests(): [heading: string, request: PublishRequest][] {
  return page
    .split(/^## /m)
    .slice(1)
    .flatMap((section) =>
      [...section.matchAll(/```sh\n(curl [^]*?) --data @- <<'JSON'\n([^]*?)\nJSON\n```/g)].map(
        ([, command, body]): [string, PublishRequest] => {
          const headers = Object.fromEntries(
            [...command!.matchAll(/-H ['"]([^:'"]+): ([^'"]*)['"]/g)].map(([, name, value]) => [
              name!.toLowerCase(),
              value!,
            ]),
          );
          const address = new URL(/curl '?([^' ]+)/.exec(command!)![1]!);
          return [
            section.split('\n')[0]!,
            { body: Buffer.from(body!), headers, query: Object.fromEntries(address.searchParams) },
          ];
        },
      ),
    );
}

const examples = requests();
async function published(heading: string) {
  const read = await Promise.all(
    examples.filter(([name]) => name === heading).map(([, request]) => readEvents(request, 65_536)),
  );
  return read.flatMap((read) => {
    if (!('group' in read)) return read.messages.map((message) => ({ ...message }));
    return Array.from({ length: read.group.shape.count }, (_, index) => {
      const parsed = read.group.read(index, 'lenient');
      if (!parsed.ok) throw new Error(`refused: ${JSON.stringify(parsed.errors)}`);
      return { ...parsed.message };
    });
  });
}

it('the page has an example of every shape, and each of them is accepted', async () => {
  expect(examples.map(([heading]) => heading)).toEqual([
    'Our own',
    'With its number',
    'CloudEvents 1.0',
    'CloudEvents 1.0',
    'Alertmanager',
    'Grafana',
    'PagerDuty Events v2',
    'PagerDuty Events v2',
  ]);
  for (const [heading] of examples)
    for (const message of await published(heading)) expect(message.tenant_id).toBe('north-bakery');
});

it('a CloudEvent means the same in both modes', async () => {
  const [structured, binary] = await published('CloudEvents 1.0');
  const alert = { service: 'inventory', severity: 'high', name: 'com.example.low_stock', message: 'Flour: 2 kg left' };
  expect(structured).toMatchObject({
    ...alert,
    id: 'https://example.com/services/inventory#A234-1234',
    occurred_at: '2026-01-02T03:04:05.000Z',
    metadata: { stock: 2, cloudevent: { type: 'com.example.low_stock' } },
  });
  expect(binary).toMatchObject({ ...alert, id: '/services/inventory#A234-1235', metadata: { stock: 2 } });
});

it('Alertmanager sends an event an alert', async () => {
  const [firing, resolved] = await published('Alertmanager');
  expect(firing).toMatchObject({
    snapshot: true,
    dedup_key: 'a1b2c3d4e5f60718',
    status: 'firing',
    severity: 'urgent',
    service: 'kitchen-ovens',
    name: 'OvenCold',
    title: 'Oven 1 is cold',
    message: 'It is at 41 °C.',
    occurred_at: '2026-01-02T03:04:05.678Z',
    labels: { instance: 'oven-1:9100' },
    actions: [{ label: 'Runbook' }, { label: 'Source' }],
    metadata: { receiver: 'tocsin' },
  });
  expect(resolved).toMatchObject({
    snapshot: true,
    dedup_key: '18273645f0e1d2c3',
    status: 'resolved',
    occurred_at: '2026-01-02T03:00:00.000Z',
  });
});

it('Grafana sends the same with its links', async () => {
  expect(await published('Grafana')).toMatchObject([
    {
      service: 'ovens',
      severity: 'high',
      occurred_at: '2026-01-02T02:04:00.000Z',
      dedup_key: 'c6eadffa33fcdf37',
      actions: [{ label: 'Dashboard' }, { label: 'Panel' }, { label: 'Source' }, { label: 'Silence' }],
      metadata: { values: { B: 41.2, C: 1 } },
    },
  ]);
});

it('PagerDuty resolves what it triggered, and its key is not kept', async () => {
  const [trigger, resolve] = await published('PagerDuty Events v2');
  const alert = { tenant_id: 'north-bakery', service: 'ovens', dedup_key: 'oven-1' };
  expect(trigger).toMatchObject({
    ...alert,
    status: 'firing',
    severity: 'urgent',
    title: 'Oven 1 is cold',
    name: 'temperature',
    occurred_at: '2026-01-02T03:04:05.678Z',
    labels: { source: 'oven-1.kitchen.example.com', component: 'heater' },
    actions: [{ label: 'Runbook' }, { label: 'Oven watch' }],
    metadata: { celsius: 41 },
  });
  expect(resolve).toMatchObject({ ...alert, status: 'resolved' });
  expect(JSON.stringify([trigger, resolve])).not.toContain('samplekeyhere');
});
