import { EventBroker } from './event-broker';
import type { EventFilter } from './event-provider';
import { MemoryProvider } from './providers/memory-provider';
import { anEvent, eventually } from './testing/broker-events';

/** Events that the instance `one` left unfinished. */
const left = (count: number) =>
  Array.from({ length: count }, () => anEvent({ instance_id: 'one', created_at: new Date(Date.now() - 1_000) }));

let broker: EventBroker | undefined;
afterEach(() => broker?.stop());
const begin = (provider: MemoryProvider, onTrouble?: (error: unknown) => void) =>
  (broker = new EventBroker({ provider, instanceId: 'one', closeProvider: false, bufferSize: 10, onTrouble }));

it('what was left unfinished is asked for again until the provider answers', async () => {
  const provider = new MemoryProvider();
  const events = left(1);
  provider.publish(events);
  const list = jest.spyOn(provider, 'list');
  for (let time = 0; time < 2; time += 1) list.mockRejectedValueOnce(new Error('away'));
  const [heard, troubles]: [string[], string[]] = [[], []];
  begin(provider, (error) => troubles.push(String(error))).subscribe('*', ({ id }) => void heard.push(id));
  await broker!.start();
  await eventually(() => heard.length === 1 || undefined);
  expect(heard).toEqual([events[0]!.id]);
  expect(troubles).toEqual(['Error: away', 'Error: away']);
});

it('all of it is taken up once, also when an event is deleted between two pages', async () => {
  class Deleting extends MemoryProvider {
    isDone = false;
    override async list(filter?: EventFilter) {
      const page = await super.list(filter);
      if (page.length === 100 && !this.isDone) this.isDone = await this.delete(page.at(-1)!.id);
      return page;
    }
  }
  const provider = new Deleting();
  const events = left(150);
  provider.publish(events);
  const heard: string[] = [];
  const troubles: unknown[] = [];
  begin(provider, (error) => troubles.push(error)).subscribe('*', ({ id }) => void heard.push(id));
  await broker!.start();
  await eventually(() => heard.length >= 150 || undefined);
  await broker!.stop();
  expect(heard.sort()).toEqual(events.map(({ id }) => id).sort());
  expect(troubles).toEqual([]);
});

it('what no subscription hears at the start is not settled: the instance takes it up when one does', async () => {
  const provider = new MemoryProvider();
  const [unheard, heard] = left(2).map((event, number) => ({ ...event, type: `public.${number}.create` }));
  provider.publish([unheard!, heard!]);
  const handled: string[] = [];
  begin(provider).subscribe('public.1.create', ({ id }) => void handled.push(id));
  await broker!.start();
  await eventually(() => handled.length === 1 || undefined);
  await broker!.stop();
  expect(await provider.get(unheard!.id)).toMatchObject({ status: 'pending' });
  begin(provider).subscribe('*', ({ id }) => void handled.push(id));
  await broker!.start();
  await eventually(() => handled.length === 2 || undefined);
  expect(handled).toEqual([heard!.id, unheard!.id]);
});
