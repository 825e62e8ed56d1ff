import type { PlannedEvent } from '@tocsin/contracts';
import { PostgresEventLog } from '@tocsin/postgres';

// An app that one message ends, at once and each time it is to be stored, as by kill -9:
//   node with-deadly-message.js <the app's main.js> <the message's id>
const [main, deadly] = process.argv.slice(2);

const append = PostgresEventLog.prototype.append;
PostgresEventLog.prototype.append = async function (planned: readonly PlannedEvent[]) {
  if (planned.some(({ message }) => message.id === deadly)) {
    process.kill(process.pid, 'SIGKILL');
    // the signal takes a moment: nothing of this process goes on until then
    await new Promise(() => undefined);
  }
  return append.call(this, planned);
};
void import(main!);
