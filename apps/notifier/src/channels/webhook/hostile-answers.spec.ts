import type { ClaimedDelivery, SendOutcome } from '@tocsin/contracts';
import { anEntry, aTenant, eventually } from '@tocsin/contracts/testing';
import { WebhookChannel } from '../webhook.channel';
import { OneEndpoint } from './testing/one-endpoint';
import { openRawReceiver, openReceiver, type Receiver } from './testing/receiver';

const aDelivery = (recipient: string): ClaimedDelivery => ({
  tenant_id: aTenant('bakery'),
  delivery_id: '5f0c9a52-0000-4000-8000-000000000001',
  channel: 'webhook',
  recipient,
  attempt: 1,
  created_at: '2026-01-02T03:04:06.000Z',
  first_due_at: '2026-01-02T03:04:06.000Z',
  entry: anEntry(),
  notification: null,
});
// timeouts that are a tenth of the real ones
const TIMES = { connectMs: 300, headMs: 1_000, bodyMs: 300, totalMs: 3_000 };

/** Sends to the receiver, tells how long it took, and waits until no connection is left. */
async function measured(opening: Promise<Receiver>): Promise<{ outcome: SendOutcome; tookMs: number }> {
  const receiver = await opening;
  try {
    const channel = new WebhookChannel(new OneEndpoint(), { allowPrivate: true, times: TIMES });
    const began = performance.now();
    const outcome = await channel.send(aDelivery(receiver.url), new AbortController().signal);
    const tookMs = performance.now() - began;
    await eventually(() => expect(receiver.open()).toBe(0));
    return { outcome, tookMs };
  } finally {
    await receiver.close();
  }
}

describe('a hostile receiver', () => {
  const mebibyte = Buffer.alloc(1024 * 1024, 'x');
  /** Writes without an end, as fast as the client reads. */
  const pour = (socket: {
    write(chunk: Buffer): boolean;
    once(name: 'drain', then: () => void): unknown;
    destroyed: boolean;
  }) => {
    const more = () => {
      while (!socket.destroyed && socket.write(mebibyte));
      if (!socket.destroyed) socket.once('drain', more);
    };
    more();
  };

  it.each([200, 500])('that answers %d with ten gigabytes is read for 64 KiB', async (status) => {
    const { outcome, tookMs } = await measured(
      openReceiver((response) => {
        response.writeHead(status, { 'content-length': String(10 * 1024 ** 3) });
        pour(response);
      }),
    );
    expect(outcome.outcome).toBe(status === 200 ? 'sent' : 'retry');
    expect(outcome.answer).toHaveLength(1_000);
    expect(tookMs).toBeLessThan(1_000);
  });

  it('that answers with a gzip bomb is not decompressed', async () => {
    const bomb = Buffer.from('1f8b0800000000000003', 'hex');
    const answer = bomb.toString('latin1').repeat(1_000);
    const { outcome } = await measured(
      openReceiver((response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(answer)),
    );
    expect(outcome).toMatchObject({ outcome: 'sent' });
  });

  it('that answers byte by byte is not waited for', async () => {
    const drip = (socket: { write(text: string): unknown; destroyed: boolean }) => {
      if (socket.destroyed) return;
      socket.write('x');
      setTimeout(() => drip(socket), 20);
    };
    const slow = await measured(openReceiver((response) => (response.writeHead(200), drip(response))));
    expect(slow.outcome).toMatchObject({ outcome: 'sent', answer: expect.stringMatching(/^200 x+$/) as string });
    expect(slow.tookMs).toBeLessThan(TIMES.bodyMs + 1_000);
    const slower = await measured(openRawReceiver((socket) => (socket.write('HTTP/1.1 200 OK\r\nx: '), drip(socket))));
    expect(slower.outcome).toMatchObject({ outcome: 'unknown', reason: 'timeout' });
    expect(slower.tookMs).toBeLessThan(TIMES.headMs + 1_000);
  });

  it('that floods with headers is cut off', async () => {
    const { outcome, tookMs } = await measured(
      openRawReceiver((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const more = () => {
          while (!socket.destroyed && socket.write(`x-${'a'.repeat(1_000)}: b\r\n`.repeat(100)));
          if (!socket.destroyed) socket.once('drain', more);
        };
        more();
      }),
    );
    expect(outcome).toMatchObject({ outcome: 'unknown', reason: 'answer_too_large' });
    expect(tookMs).toBeLessThan(1_000);
  });

  it('that floods with informational heads is cut off in time', async () => {
    const { outcome, tookMs } = await measured(
      openRawReceiver((socket) => {
        const more = () => {
          if (socket.destroyed) return;
          socket.write('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'.repeat(50));
          setTimeout(more, 5);
        };
        more();
      }),
    );
    expect(outcome).toMatchObject({ outcome: 'unknown', reason: 'timeout' });
    expect(tookMs).toBeLessThan(TIMES.headMs + 1_000);
  });
});
