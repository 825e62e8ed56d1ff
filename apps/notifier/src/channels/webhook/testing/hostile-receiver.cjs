// A process that plays receivers which try to hold or fill their sender. Each port answers in its own way; the ports
// are written to stdout as JSON. It ends with its stdin.
const { createServer } = require('node:net');
const { gzipSync } = require('node:zlib');

const mebibyte = Buffer.alloc(1024 * 1024, 'x');
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
const pour = (socket, chunk) => {
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
    if (!socket.destroyed) socket.once('drain', more);
  };
  more();
};
const drip = (socket) => {
  const timer = setInterval(() => socket.write('x'), 100);
  socket.on('close', () => clearInterval(timer));
};
const ANSWERS = {
  huge: (socket) => {
    socket.write('HTTP/1.1 500 No\r\ncontent-length: 10737418240\r\n\r\n');
    pour(socket, mebibyte);
  },
  bomb: (socket) => {
    socket.write('HTTP/1.1 500 No\r\ncontent-encoding: gzip\r\ncontent-length: 10737418240\r\n\r\n');
    pour(socket, bomb);
  },
  headers: (socket) => {
    socket.write('HTTP/1.1 500 No\r\n');
    pour(socket, `x-${'a'.repeat(1_000)}: b\r\n`.repeat(1_000));
  },
  slowBody: (socket) => {
    socket.write('HTTP/1.1 500 No\r\ncontent-length: 10737418240\r\n\r\n');
    drip(socket);
  },
  slowHead: (socket) => {
    socket.write('HTTP/1.1 500 No\r\nx: ');
    drip(socket);
  },
  silent: () => undefined,
};

const ports = {};
for (const [name, answer] of Object.entries(ANSWERS)) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1', () => {
    ports[name] = server.address().port;
    if (Object.keys(ports).length === Object.keys(ANSWERS).length) console.log(JSON.stringify(ports));
  });
}
process.stdin.resume().on('end', () => process.exit(0));
