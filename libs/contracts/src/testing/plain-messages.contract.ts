import type { PlainMessage, PlainMessages } from '../ports';
import type { TenantId } from '../tenant';
import { aTenant } from './an-alert';
import { eventually } from './eventually';

interface OpenPlainMessages {
  /** A further process that may listen. */
  process(): PlainMessages;
  /** Publishes as another program does. */
  publish(tenant: TenantId, body: string): Promise<unknown>;
  close(): Promise<void>;
}

/** What a process has taken, in order. */
export class Taken {
  readonly messages: PlainMessage[] = [];
  readonly take = (message: PlainMessage): void => void this.messages.push(message);
  get bodies(): string[] {
    return this.messages.map(({ body }) => body.toString());
  }
}

/** What every `PlainMessages` does without a fault. Each adapter's own spec tests what it does in one. */
export function describePlainMessages(name: string, { open }: { open(): Promise<OpenPlainMessages> }): void {
  describe(`${name} as the source of plain messages`, () => {
    let opened: OpenPlainMessages;
    beforeEach(async () => void (opened = await open()));
    afterEach(() => opened?.close());

    const oneTakes = (...processes: PlainMessages[]) =>
      eventually(() => expect(processes.filter(({ taking }) => taking)).toHaveLength(1));

    it('hands a message over byte for byte, with the tenant that its topic names', async () => {
      const [process, taken, tenant] = [opened.process(), new Taken(), aTenant()];
      process.listen(taken.take);
      await oneTakes(process);
      await opened.publish(tenant, '{"title":"Größe ≠ 🥐"}\n');
      await eventually(() => expect(taken.messages).toHaveLength(1));
      expect(taken.messages[0]).toMatchObject({ tenant_id: tenant, topic: expect.stringContaining(tenant) });
      expect(taken.bodies).toEqual(['{"title":"Größe ≠ 🥐"}\n']);
    });

    it('hands each message to one of several processes, in the order of its topic', async () => {
      const [processes, taken, tenant] = [[1, 2, 3].map(() => opened.process()), new Taken(), aTenant()];
      for (const process of processes) process.listen(taken.take);
      await oneTakes(...processes);
      const bodies = Array.from({ length: 200 }, (_, index) => `{"n":${index}}`);
      for (const body of bodies) await opened.publish(tenant, body);
      await eventually(() => expect(taken.bodies.at(-1)).toBe(bodies.at(-1)));
      expect(taken.bodies).toEqual(bodies);
    });

    it('loses nothing and hands nothing over twice while the processes stop one after the other', async () => {
      const [processes, taken, tenant] = [[1, 2, 3, 4].map(() => opened.process()), new Taken(), aTenant()];
      for (const process of processes) process.listen(taken.take);
      await oneTakes(...processes);
      let stopping = true;
      let published = 0;
      const publishing = (async () => {
        while (stopping) await opened.publish(tenant, `{"n":${published++}}`);
      })();
      while (processes.length > 1) {
        await oneTakes(...processes);
        const [one] = processes.splice(
          processes.findIndex(({ taking }) => taking),
          1,
        );
        await one!.stop();
        expect(one!.taking).toBe(false);
      }
      await oneTakes(...processes);
      stopping = false;
      await publishing;
      await eventually(() => expect(taken.messages).toHaveLength(published));
      // the last of one process and the first of the next one may be read in either order
      expect([...taken.bodies].sort()).toEqual(Array.from({ length: published }, (_, n) => `{"n":${n}}`).sort());
    });

    it('hands nothing over once it is stopped, also when it is stopped twice or was never started', async () => {
      const [process, taken, tenant] = [opened.process(), new Taken(), aTenant()];
      await opened.process().stop();
      process.listen(taken.take);
      await oneTakes(process);
      await Promise.all([process.stop(), process.stop()]);
      const [next, byNext] = [opened.process(), new Taken()];
      next.listen(byNext.take);
      await oneTakes(next);
      await opened.publish(tenant, '{}');
      await eventually(() => expect(byNext.messages).toHaveLength(1));
      expect([taken.messages, process.taking]).toEqual([[], false]);
    });
  });
}
