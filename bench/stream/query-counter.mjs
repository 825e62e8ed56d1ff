// A proxy between a gateway and PostgreSQL that counts the statements: the exact cost of a storm for the database.
import { connect, createServer } from 'node:net';

/** A message that executes a statement begins with one of these: a simple query, or the execution of a prepared one. */
const EXECUTES = new Set(['Q'.charCodeAt(0), 'E'.charCodeAt(0)]);

/** `url` leads to PostgreSQL through the counter; `statements()` returns the count. */
export async function countQueries(databaseUrl) {
  const target = new URL(databaseUrl);
  let statements = 0;
  const server = createServer((socket) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const count = counter(() => (statements += 1));
    socket.on('data', (chunk) => {
      count(chunk);
      upstream.write(chunk);
    });
    upstream.pipe(socket);
    for (const one of [socket, upstream]) {
      one.on('error', () => undefined);
      one.on('close', () => (socket.destroy(), upstream.destroy()));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(server.address().port);
  return { url: url.toString(), statements: () => statements, close: () => server.close() };
}

/** Parses the frontend's messages: the first one has no type, every later one a type and a length. */
function counter(onStatement) {
  let rest = Buffer.alloc(0);
  let started = false;
  return (chunk) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    for (;;) {
      const typed = started ? 1 : 0;
      if (rest.length < typed + 4) return;
      const length = typed + rest.readUInt32BE(typed);
      if (rest.length < length) return;
      if (started && EXECUTES.has(rest[0])) onStatement();
      started = true;
      rest = rest.subarray(length);
    }
  };
}
