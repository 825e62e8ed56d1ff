import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runCli } from '../run-cli';
import { PlayedTerminal } from './played-terminal';

/** The secret that the commands sign their tokens with. */
export const SECRET = 'a secret of the test, long enough for HS256';

/** Stands in for a gateway on a real socket: it keeps what it was asked, and answers what the test has written down. */
export class ScriptedGateway {
  asked: { what: string; token: string; body: unknown }[] = [];
  /** The responses in their order; the last one is repeated. */
  answers: [status: number, body: unknown][] = [];

  private constructor(private readonly server: Server) {}

  static async open(): Promise<ScriptedGateway> {
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        gateway.asked.push({
          what: `${request.method} ${request.url}`,
          token: (request.headers.authorization ?? '').slice(7),
          body: text ? JSON.parse(text) : undefined,
        });
        const { answers } = gateway;
        const [status, body] = answers.length > 1 ? answers.shift()! : answers[0]!;
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    const gateway = new ScriptedGateway(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return gateway;
  }

  /** Runs a command line that asks this gateway, below the path `/base`. */
  async run(...args: string[]): Promise<{ exitCode: number; out: string[]; err: string[] }> {
    const terminal = new PlayedTerminal({
      JWT_SECRET: SECRET,
      TOCSIN_URL: `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/base`,
    });
    const exitCode = await runCli(args, terminal);
    return { exitCode, out: terminal.stdout, err: terminal.stderr };
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
