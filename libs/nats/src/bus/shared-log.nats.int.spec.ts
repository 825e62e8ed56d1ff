import { eventually } from '@tocsin/contracts/testing';
import { describeWithNats, OwnNats } from '../testing';
import { SharedLog, type Tally } from './shared-log';

interface Word {
  word: string;
}

/** Counts the entries that it has taken. */
const counting = (): Tally<Word, number> => {
  let count = 0;
  return { reset: () => void (count = 0), take: () => (count += 1) };
};

describeWithNats('a log that several processes append to', () => {
  let nats: OwnNats;
  beforeEach(async () => void (nats = await OwnNats.openBus()));
  afterEach(() => nats.close());

  it('is read to its end although the entries that were there have expired before they were delivered', async () => {
    const connection = nats.connection();
    const streams = nats.busStreams(connection);
    const before = new SharedLog<Word, number>(connection, streams, 'words', counting());
    await eventually(() => before.append({ word: 'old' }, 2_000));
    await before.close();
    const read = streams.read.bind(streams);
    jest.spyOn(streams, 'read').mockImplementation(async (...place) => {
      const made = await read(...place);
      expect(made.before).toBeGreaterThan(0);
      await nats.manager.streams.purge(`${nats.prefix}bus-counts`);
      return made;
    });

    const log = new SharedLog<Word, number>(connection, streams, 'words', counting());
    expect(await log.append({ word: 'new' }, 10_000)).toBe(1);
    await log.close();
  });
});
