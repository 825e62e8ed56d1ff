import { eventually } from '@tocsin/contracts/testing';
import { openReceiver } from '../../apps/notifier/src/channels/webhook/testing/receiver';
import { ask } from '../kit/http';
import type { AppProcess } from '../kit/processes';
import type { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';

/** How many alerts of `bakery` these tests leave, with the ids `lone-0` and so on. */
export const LONE_ALERTS = 5;

/**
 * What two gateways, two processors and a notifier tell each other over the bus that the environment names. The stack
 * has the users `user-0` and `user-1`, of whom the first sees `bakery`.
 */
export function tellsAtOnce(openedStack: () => Stack, environment: Readonly<Record<string, string>>): void {
  const call = (gateway: AppProcess, path: string, body: object) =>
    ask(gateway.url, path, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${tokenFor('user-0', { scope: 'alerts:read alerts:write events:publish' })}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify(body),
    });

  it('shows an alert within half a second of its publication, in the median', async () => {
    const stack = openedStack();
    const stream = await stack.watch('user-0', { gateway: stack.gateways[1] });
    const delays: number[] = [];
    for (let round = 0; round < LONE_ALERTS; round += 1) {
      const since = performance.now();
      const title = `Round ${round}`;
      const { status } = await call(stack.gateway, '/api/v1/events', [
        { tenant_id: 'bakery', service: 'inventory', severity: 'urgent', id: `lone-${round}`, name: 'n', title },
      ]);
      expect(status).toBe(202);
      await eventually(() => expect(stream.frames.some(({ data }) => data.includes(title))).toBe(true));
      delays.push(performance.now() - since);
    }
    stream.close();
    // without the bus it would be found by polls of a second: three of five so soon are no chance
    expect(delays.sort((a, b) => a - b)[2]).toBeLessThan(500);
  });

  it('tells a notifier of what is due within half a second, in the median', async () => {
    const stack = openedStack();
    const receiver = await openReceiver((response) => response.writeHead(204).end());
    try {
      await stack.startNotifier({ ...environment, WEBHOOK_ALLOW_PRIVATE: '1' });
      const done = async (path: string, body: object) => {
        const { status, text } = await call(stack.gateway, path, body);
        if (status >= 300) throw new Error(`${path}: ${status} ${text}`);
      };
      await done('/api/v1/webhooks', { tenant_id: 'bakery', url: receiver.url });
      const delays: number[] = [];
      for (let round = 1; round <= 5; round += 1) {
        const since = performance.now();
        await done('/api/v1/notifications', {
          tenant_id: 'bakery',
          title: `Round ${round}`,
          recipients: [receiver.url],
          channels: ['webhook'],
        });
        await eventually(() => expect(receiver.received).toHaveLength(round));
        delays.push(performance.now() - since);
      }
      // by itself a notifier looks once a second
      expect(delays.sort((a, b) => a - b)[2]).toBeLessThan(500);
    } finally {
      await receiver.close();
    }
  });

  it('counts the streams of both gateways together', async () => {
    const stack = openedStack();
    const limit = { ...environment, STREAMS_PER_USER: '2' };
    const [one, other] = [await stack.startGateway(limit), await stack.startGateway(limit)];
    const streams = [await stack.watch('user-1', { gateway: one }), await stack.watch('user-1', { gateway: other })];
    const refused = await ask(one.url, '/api/events', {
      headers: { Authorization: `Bearer ${tokenFor('user-1')}` },
    });
    expect([refused.status, refused.json.code]).toEqual([429, 'too_many_streams']);
    streams[1]!.close();
    await eventually(async () => streams.push(await stack.watch('user-1', { gateway: one })));
    for (const stream of streams) stream.close();
    for (const gateway of stack.gateways.splice(2)) await gateway.stop();
  });
}
