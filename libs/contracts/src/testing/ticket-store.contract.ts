import { randomUUID } from 'node:crypto';
import type { TicketStore } from '../ports';

interface OpenTicketStore {
  tickets: TicketStore;
  close(): Promise<void>;
}

/** What every `TicketStore` does. */
export function describeTicketStore(name: string, { open }: { open(): Promise<OpenTicketStore> }): void {
  describe(`${name} as a ticket store`, () => {
    let opened: OpenTicketStore | undefined;
    let tickets: TicketStore;
    beforeEach(async () => {
      opened = await open();
      tickets = opened.tickets;
    });
    afterEach(() => opened?.close());
    const inThirtySeconds = () => new Date(Date.now() + 30_000);

    it('redeems a ticket once', async () => {
      const jti = randomUUID();
      expect(await tickets.redeem(jti, inThirtySeconds())).toBe(true);
      expect(await tickets.redeem(jti, inThirtySeconds())).toBe(false);
      expect(await tickets.redeem(jti, inThirtySeconds())).toBe(false);
    });

    it('gives a ticket that is shown twenty times at once to one of them', async () => {
      const jti = randomUUID();
      const answers = await Promise.all(Array.from({ length: 20 }, () => tickets.redeem(jti, inThirtySeconds())));
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    it('keeps tickets apart', async () => {
      const stem = randomUUID();
      for (const jti of [stem, `${stem} `, `${stem}'; --`, stem.toUpperCase()])
        expect(await tickets.redeem(jti, inThirtySeconds())).toBe(true);
    });

    it('redeems a ticket in its last moment once', async () => {
      const [jti, now] = [randomUUID(), new Date(Date.now() + 1)];
      expect(await tickets.redeem(jti, now)).toBe(true);
    });
  });
}
