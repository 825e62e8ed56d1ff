import type { PlannedEvent } from '@tocsin/contracts';
import { PostgresEventLog } from '@tocsin/postgres';

// Runs an app that one message kills, each time it is about to be stored, as by kill -9:
//   node with-deadly-message.js <the app's main.js> <the message's id>
const [main, deadly] = process.argv.slice(2);

const append = PostgresEventLog.prototype.append;
PostgresEventLog.prototype.append = async function (planned: readonly PlannedEvent[]) {
  if (planned.some(({ message }) => message.id === deadly)) {
    process.kill(process.pid, 'SIGKILL');
    // the signal takes a moment to arrive: until then this process must not continue
    await new Promise(() => undefined);
  }
  return append.call(this, planned);
};
void import(main!);
