import { AlertPublisher } from './alert-publisher';

const made = (url: unknown) => () => new AlertPublisher({ url: url as string });

describe('an address that is none is refused where the publisher is made, and not by a later end of the process', () => {
  it.each([
    undefined,
    '',
    'nonsense',
    'http://broker',
    'amqp://one,two',
    'amqp://a:s3cret@one:99999',
    'amqp://a:%E0%A4%A@one',
    'amqp://one, amqp://a:s3cret@[one',
  ])('%s', (url) => {
    expect(made(url)).toThrow(TypeError);
  });

  it.each(['amqp://', 'amqp://broker', 'amqps://a:b@one:5671/v?heartbeat=3, amqps://two'])(
    '%s is taken',
    async (url) => {
      await made(url)().close();
    },
  );

  it('with an error that says what is expected, and nothing of the password', () => {
    let error: unknown;
    try {
      made('amqp://a:s3cret@one:99999')();
    } catch (thrown) {
      error = thrown;
    }
    expect(String(error)).toMatch(/amqp:\/\//);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('s3cret');
  });
});

it('a service with a try/catch around connect lives on when the address is none, and close does not reject', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  let publisher: AlertPublisher | undefined;
  try {
    publisher = made('nonsense')();
    await publisher.connect(50);
  } catch {
    // the service says so and goes on
  }
  await new Promise((resolve) => setImmediate(resolve));
  await publisher?.close();
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});
