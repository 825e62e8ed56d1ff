// `npm run bench:deliveries`: the queue of deliveries beside other job queues, how long mails take, and many
// notifications for the same minute.
//
//     --rows queue,mail,minute   some rows; default all
//     --rounds <n>               default 5 for the queue, 3 for mails
//     --count <n>                deliveries of the queue (default 20,000), notifications of the minute (100,000)
//     --only <a,b>               some contenders of the queue
//     --also <name>=<dist>       another build of Tocsin as one more contender: shows the effect of a change
//
// Each row ends with its targets, reached or missed. The target for PostgreSQL's CPU is not reached: decision 0036 says
// what a delivery costs and why.
//
// Needs PostgreSQL and Redis. Absolute figures vary from run to run; compare within one run, on a quiet machine.
import { loadavg } from 'node:os';
import { argv, exit, stdout } from 'node:process';
import { servicesUp } from '../services.mjs';
import { mailRow } from './mail.mjs';
import { minuteRow } from './minute.mjs';
import { queueRow } from './queue.mjs';

const option = (name, otherwise) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : otherwise);
const rows = option('--rows', 'queue,mail,minute').split(',');
const only = option('--only')?.split(',');
const also = argv.flatMap((word, i) => (word === '--also' ? [argv[i + 1].split('=')] : []));
const numbered = (name, otherwise) => Number(option(name, otherwise));

const ROWS = {
  queue: (services) =>
    queueRow(services, { count: numbered('--count', 20_000), rounds: numbered('--rounds', 5), only, also }),
  mail: (services) => mailRow(services, { rounds: numbered('--rounds', 3) }),
  minute: (services) => minuteRow(services, { count: numbered('--count', 100_000) }),
};

const { services, down } = servicesUp();
try {
  for (const row of rows) {
    stdout.write(`\nload of the machine at the start: ${loadavg()[0].toFixed(1)}\n`);
    await ROWS[row](services);
  }
} catch (error) {
  stdout.write(`${error.stack}\n`);
  exit(1);
} finally {
  down();
}
