import { WorkerPool } from './worker-pool';

it('a job whose run rejects is told of, and its worker goes on with the next', async () => {
  const told: unknown[] = [];
  const done: number[] = [];
  const run = async (job: number) => {
    if (job === 1) throw new Error('it should not');
    done.push(job);
  };
  const pool = new WorkerPool(1, 2, run, (error) => told.push(error));
  pool.reserve(2);
  for (const job of [1, 2]) pool.enqueue(job);
  expect(await pool.stop(25_000)).toEqual([]);
  expect(told).toEqual([new Error('it should not')]);
  expect(done).toEqual([2]);
});
