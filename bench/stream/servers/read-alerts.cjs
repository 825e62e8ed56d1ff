// The input of a Node server here: lines of `<tenant> <number> <json>` on a socket of its own.
const { createServer } = require('node:net');
const { createInterface } = require('node:readline');

/** Calls `take` for each line. Resolves to the port. */
exports.readAlerts = (take) =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      createInterface({ input: socket }).on('line', (line) => {
        const first = line.indexOf(' ');
        const second = line.indexOf(' ', first + 1);
        take(line.slice(0, first), line.slice(first + 1, second), line.slice(second + 1));
      });
    });
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
