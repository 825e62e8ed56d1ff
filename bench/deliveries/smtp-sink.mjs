// A mail server in a process of its own that accepts everything. It notes for each recipient when the content had
// arrived, in milliseconds since the epoch.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { SMTPServer } = require('smtp-server');

const arrived = [];
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  disableReverseLookup: true,
  onData(stream, session, callback) {
    stream.resume();
    stream.on('end', () => {
      arrived.push([session.envelope.rcptTo[0].address, performance.timeOrigin + performance.now()]);
      callback();
    });
  },
});
server.on('error', () => undefined);

const answers = {
  listen: () => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.server.address().port))),
  count: () => arrived.length,
  /** All that has arrived since the last time. */
  take: () => arrived.splice(0),
};
process.on('message', async (question) => {
  try {
    process.send({ answer: await answers[question]() });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
