import { Unavailable } from '@tocsin/contracts';
import { TicketStore } from '@tocsin/contracts/ports';
import { describeTicketStore } from '@tocsin/contracts/testing';
import { FallbackTicketStore } from './ticket-store.fallback';

/** A store that remembers, and can be away: since a time that it knows, or so far as anybody knows since now. */
class SpentTickets extends TicketStore {
  readonly spent = new Set<string>();
  away: { since?: Date } | undefined;
  async redeem(jti: string): Promise<boolean> {
    if (this.away) throw new Unavailable('tickets', 'away', this.away);
    return !this.spent.has(jti) && this.spent.add(jti).size > 0;
  }
}

describeTicketStore('a store with a fallback', {
  open: () =>
    Promise.resolve({
      tickets: new FallbackTicketStore(new SpentTickets(), new SpentTickets()),
      close: () => Promise.resolve(),
    }),
});

describeTicketStore('a fallback', {
  open: () => {
    const [first, second] = [new SpentTickets(), new SpentTickets()];
    first.away = { since: new Date(Date.now() - 3_600_000) };
    return Promise.resolve({ tickets: new FallbackTicketStore(first, second), close: () => Promise.resolve() });
  },
});

describe('tickets in two stores', () => {
  let first: SpentTickets;
  let second: SpentTickets;
  let nowMs: number;
  beforeEach(() => {
    [first, second, nowMs] = [new SpentTickets(), new SpentTickets(), 1_000_000];
  });
  const gateway = () => new FallbackTicketStore(first, second, () => nowMs);
  /** What `Tickets` says of a ticket: it lives 30 s, and is remembered for 60 s more. */
  const issuedAt = (ms: number) => new Date(ms + 30_000 + 60_000);

  test('touch the second one only while the first is away', async () => {
    const tickets = gateway();
    expect(await tickets.redeem('a', issuedAt(nowMs))).toBe(true);
    expect(second.spent.size).toBe(0);
    first.away = { since: new Date(nowMs) };
    expect(await tickets.redeem('b', issuedAt(nowMs + 1))).toBe(true);
    expect(await tickets.redeem('b', issuedAt(nowMs + 1))).toBe(false);
    expect([...second.spent]).toEqual(['b']);
  });

  test('are not decided by the second one when the first may have seen them before it went away', async () => {
    const [one, other] = [gateway(), gateway()];
    expect(await one.redeem('a', issuedAt(nowMs))).toBe(true);
    nowMs += 5_000;
    first.away = { since: new Date(nowMs) };
    nowMs += 5_000;
    for (const tickets of [one, other])
      await expect(tickets.redeem('a', issuedAt(nowMs - 10_000))).rejects.toBeInstanceOf(Unavailable);
    expect(second.spent.size).toBe(0);
  });

  test('issued after the first went away are taken, also when nobody was shown one in between', async () => {
    first.away = { since: new Date(nowMs) };
    nowMs += 20_000;
    expect(await gateway().redeem('a', issuedAt(nowMs - 10_000))).toBe(true);
  });

  test('issued before a silent store was found out are refused, those after it taken', async () => {
    first.away = {};
    const tickets = gateway();
    await expect(tickets.redeem('a', issuedAt(nowMs - 100))).rejects.toBeInstanceOf(Unavailable);
    nowMs += 2_000;
    expect(await tickets.redeem('b', issuedAt(nowMs - 100))).toBe(true);
  });

  test('that the second one saw are no news to the first when it is back', async () => {
    const tickets = gateway();
    first.away = { since: new Date(nowMs) };
    nowMs += 1_000;
    expect(await tickets.redeem('a', issuedAt(nowMs))).toBe(true);
    first.away = undefined;
    nowMs += 1_000;
    expect(await tickets.redeem('a', issuedAt(nowMs - 1_000))).toBe(false);
    expect(await tickets.redeem('b', issuedAt(nowMs - 1_000))).toBe(true);
    expect(await tickets.redeem('b', issuedAt(nowMs - 1_000))).toBe(false);
    nowMs += 1_000;
    expect(await tickets.redeem('c', issuedAt(nowMs))).toBe(true);
    expect(second.spent.has('c')).toBe(false);
  });

  test('go back to the second one when the first goes away again, by the new time', async () => {
    const tickets = gateway();
    first.away = { since: new Date(nowMs) };
    await tickets.redeem('a', issuedAt(nowMs + 1));
    first.away = undefined;
    nowMs += 10_000;
    expect(await tickets.redeem('b', issuedAt(nowMs))).toBe(true);
    first.away = { since: new Date(nowMs + 5_000) };
    nowMs += 10_000;
    await expect(tickets.redeem('b', issuedAt(nowMs - 10_000))).rejects.toBeInstanceOf(Unavailable);
    expect(await tickets.redeem('c', issuedAt(nowMs))).toBe(true);
  });

  test('cannot be redeemed while both are away', async () => {
    first.away = second.away = { since: new Date(nowMs) };
    await expect(gateway().redeem('a', issuedAt(nowMs + 1))).rejects.toBeInstanceOf(Unavailable);
  });

  test('of a store that fails for another reason are not taken elsewhere', async () => {
    first.redeem = () => Promise.reject(new TypeError('a defect'));
    await expect(gateway().redeem('a', issuedAt(nowMs + 1))).rejects.toBeInstanceOf(TypeError);
    expect(second.spent.size).toBe(0);
  });
});
