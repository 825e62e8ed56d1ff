import { QueueFull, Unavailable } from '@tocsin/contracts';
import { anAlert } from '@tocsin/contracts/testing';
import { StreamIntake } from './alert-intake.streams';
import type { StreamQueue } from './stream-queue';

/** A queue in a Redis that answers each script with an error. */
const failing = (message: string) => {
  const cause = new Error(message);
  const put = () => Promise.reject(new Unavailable('queue', 'Redis does not answer.', { cause }));
  return new StreamIntake({ put } as unknown as StreamQueue, 10);
};

it('a Redis without memory counts as a queue that is full', async () => {
  const intake = failing("OOM command not allowed when used memory > 'maxmemory'. script: 0123, on @user_script:9.");
  await expect(intake.publish([anAlert()])).rejects.toBeInstanceOf(QueueFull);
});

it('any other error says that Redis is away', async () => {
  const refusal = await failing('LOADING Redis is loading the dataset in memory')
    .publish([anAlert()])
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Unavailable);
  expect(refusal).not.toBeInstanceOf(QueueFull);
});
