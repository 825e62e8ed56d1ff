import { ConfigurationError } from '@tocsin/settings';
import { EventEmitter, once } from 'node:events';
import { runProcess, type Life } from './lifecycle';

/** A process that records its end instead of ending. */
class FakeProcess extends EventEmitter {
  stderrText = '';
  stderr = { write: (text: string) => (this.stderrText += text) };
  exits: number[] = [];
  exit = ((code: number) => {
    this.exits.push(code);
    this.emit('exited', code);
  }) as NodeJS.Process['exit'];
  exited = once(this, 'exited').then(([code]) => code as number);
}

function run(main: (life: Life) => Promise<void>): FakeProcess {
  const fake = new FakeProcess();
  runProcess(main, fake as unknown as NodeJS.Process);
  return fake;
}
const closing = (log: string[], name: string, ms = 0) => ({
  close: () => new Promise<void>((resolve) => setTimeout(() => (log.push(name), resolve()), ms)),
});

describe('the life of a process', () => {
  test.each(['SIGTERM', 'SIGINT'])('%s closes what was opened, in reverse order, and exits 0', async (signal) => {
    const closed: string[] = [];
    const fake = run(async (life) => {
      life.closes(closing(closed, 'first'));
      life.closes(closing(closed, 'second'));
    });
    fake.emit(signal, signal);
    expect(await fake.exited).toBe(0);
    expect(closed).toEqual(['second', 'first']);
  });

  test('a signal in the middle of starting ends the start', async () => {
    const closed: string[] = [];
    const fake = run((life) => {
      life.closes(closing(closed, 'app'));
      return new Promise(() => {});
    });
    fake.emit('SIGTERM', 'SIGTERM');
    expect(await fake.exited).toBe(0);
    expect(closed).toEqual(['app']);
  });

  test('a second signal exits 1 at once, the echo of the first does not', async () => {
    const fake = run(async (life) => life.closes(closing([], 'slow', 60_000)));
    jest.useFakeTimers({ now: 0 });
    fake.emit('SIGINT', 'SIGINT');
    fake.emit('SIGINT', 'SIGINT');
    expect(fake.exits).toEqual([]);
    jest.advanceTimersByTime(1_000);
    fake.emit('SIGINT', 'SIGINT');
    expect(fake.exits).toEqual([1]);
    jest.useRealTimers();
  });

  test('a close that hangs is ended by force after 40 s', async () => {
    jest.useFakeTimers();
    const fake = run(async (life) => life.closes({ close: () => new Promise(() => {}) }));
    fake.emit('SIGTERM', 'SIGTERM');
    await jest.advanceTimersByTimeAsync(40_000);
    expect(fake.exits).toEqual([1]);
    jest.useRealTimers();
  });

  test('a close that fails exits 1 after the others were closed', async () => {
    const closed: string[] = [];
    const fake = run(async (life) => {
      life.closes(closing(closed, 'app'));
      life.closes({ close: () => Promise.reject(new Error('stuck')) });
    });
    fake.emit('SIGTERM', 'SIGTERM');
    expect(await fake.exited).toBe(1);
    expect(closed).toEqual(['app']);
    expect(fake.stderrText).toContain('stuck');
  });

  test('a wrong configuration reports every problem and exits 78', async () => {
    const fake = run(() =>
      Promise.reject(new ConfigurationError(['DATABASE_URL is required.', 'PORT is not valid: too big.'])),
    );
    expect(await fake.exited).toBe(78);
    expect(fake.stderrText).toBe('DATABASE_URL is required.\nPORT is not valid: too big.\n');
  });

  test('a start that fails closes what was opened and exits 1', async () => {
    const closed: string[] = [];
    const fake = run(async (life) => {
      life.closes(closing(closed, 'app'));
      throw new Error('port 8000 is taken');
    });
    expect(await fake.exited).toBe(1);
    expect(closed).toEqual(['app']);
    expect(fake.stderrText).toContain('port 8000 is taken');
  });

  test.each(['unhandledRejection', 'uncaughtException'])('%s is logged as fatal, closes and exits 1', async (event) => {
    const fatal = jest.fn();
    const notReady = jest.fn();
    const closed: string[] = [];
    const fake = run(async (life) => {
      life.reportsTo({ fatal } as never, { notReady } as never);
      life.closes(closing(closed, 'app'));
    });
    fake.emit(event, new Error('forgotten'));
    expect(await fake.exited).toBe(1);
    expect(fatal.mock.calls[0]).toMatchObject([
      { err: expect.objectContaining({ message: 'forgotten' }) },
      expect.any(String),
    ]);
    expect(notReady).toHaveBeenCalledWith('draining');
    expect(closed).toEqual(['app']);
  });
});
