import { setTimeout as sleep } from 'node:timers/promises';
import { within } from './deadline';

/** Holds the event loop up, as a large batch does. */
function hold(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('work with a deadline', () => {
  it('comes to what it comes to in time, a rejection included', async () => {
    const late = jest.fn();
    expect(await within(1_000, sleep(1, 'done'), late)).toBe('done');
    await expect(within(1_000, Promise.reject(new Error('broken')), late)).rejects.toThrow('broken');
    expect(late).not.toHaveBeenCalled();
  });

  it('comes to what is said instead when it is late, or to the error that is thrown then', async () => {
    expect(await within(5, new Promise(() => {}), () => 'late')).toBe('late');
    await expect(
      within(5, new Promise(() => {}), () => {
        throw new Error('too slow');
      }),
    ).rejects.toThrow('too slow');
  });

  it('may fail after its deadline without an unhandled rejection', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    let fail!: (error: Error) => void;
    const failing = new Promise<never>((_resolve, reject) => (fail = reject));
    expect(await within(5, failing, () => 'late')).toBe('late');
    fail(new Error('late failure'));
    await sleep(1);
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('is in time when its answer arrived while this process was busy', async () => {
    const late = jest.fn(() => 'late');
    // both timers are over when the loop turns again: the answer was there before either could be checked
    const working = within(5, sleep(10, 'answer'), late);
    hold(40);
    expect(await working).toBe('answer');
    expect(late).not.toHaveBeenCalled();
  });

  it('leaves no timer behind', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    await within(60_000, Promise.resolve(), () => undefined);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBe(before);
  });
});
