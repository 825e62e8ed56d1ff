import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createRawServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Received {
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** A receiver of webhooks on loopback. It keeps the requests, and answers as the test says. */
export interface Receiver {
  url: string;
  received: Received[];
  /** How many connections it holds. */
  open(): number;
  close(): Promise<void>;
}

type Answer = (response: ServerResponse, request: IncomingMessage, nth: number) => void;

export async function openReceiver(answer: Answer): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      received.push({ path: request.url!, headers: request.headers as Record<string, string>, body });
      answer(response, request, received.length);
    });
  });
  return { ...(await listening(server)), received };
}

/** A receiver that need not answer in HTTP: `answer` gets the socket when a complete request has arrived. */
export async function openRawReceiver(answer: (socket: Socket) => void): Promise<Receiver> {
  const received: Received[] = [];
  const server = createRawServer((socket) => {
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      const [head, body] = text.split('\r\n\r\n') as [string, string | undefined];
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      if (body === undefined || Buffer.byteLength(body) < length || received.length > 0) return;
      received.push({ path: '/', headers: {}, body });
      answer(socket);
    });
  });
  return { ...(await listening(server)), received };
}

async function listening(server: Server): Promise<Pick<Receiver, 'url' | 'open' | 'close'>> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
