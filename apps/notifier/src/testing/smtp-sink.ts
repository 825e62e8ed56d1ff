import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { format } from 'node:util';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** How the sink treats one mail: a reply such as `550 5.1.1 No such user`, or an action on the connection. */
export type Treatment = string | 'stall' | 'close';

interface SinkOptions extends Partial<SMTPServerOptions> {
  /** At RCPT TO, by address. Undefined: accepted. */
  atRcpt?(address: string): Treatment | undefined;
  /** At MAIL FROM. */
  atMail?(address: string): Treatment | undefined;
  /** When the content has been received. */
  atData?(content: Buffer): Treatment | undefined;
}

/** A mail server on loopback. It keeps every mail, and every line that both sides have sent. */
export class SmtpSink {
  /** Each accepted mail, in full. */
  readonly accepted: Buffer[] = [];
  /** How many contents of mails have arrived completely, accepted or not. */
  received = 0;
  /** The dialogue as the server sees it: `C: …` and `S: …`. */
  readonly transcript: string[] = [];
  /** The port, once `listen` has resolved. */
  port = 0;
  private readonly server: SMTPServer;

  constructor({ atRcpt, atMail, atData, ...options }: SinkOptions = {}) {
    const hear = (_: unknown, text: string, ...values: unknown[]) => {
      const line = format(text, ...values);
      if (/^[CS]: /.test(line)) this.transcript.push(...line.split('\n'));
    };
    const logger = { level: hear, trace: hear, debug: hear, info: hear, warn: hear, error: hear, fatal: hear };
    this.server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      logger: logger as never,
      onMailFrom: ({ address }, { id }, done) => this.treat(atMail?.(address), id, done),
      onRcptTo: ({ address }, { id }, done) => this.treat(atRcpt?.(address), id, done),
      onData: (stream, { id }, done) =>
        void buffer(stream).then((content) => {
          this.received += 1;
          const treatment = atData?.(content);
          if (treatment === undefined) this.accepted.push(content);
          this.treat(treatment, id, done);
        }),
      ...options,
    });
    // tests let clients break off in the middle, so errors of sockets are no fault
    this.server.on('error', () => undefined);
  }

  async listen(port = 0): Promise<this> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server.server, 'listening');
    this.port = (this.server.server.address() as AddressInfo).port;
    return this;
  }

  /** How often the client has sent this command. */
  count(command: string): number {
    return this.transcript.filter((line) => line.startsWith(`C: ${command}`)).length;
  }

  async close(): Promise<void> {
    for (const connection of this.server.connections) (connection as unknown as Connection)._socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private treat(treatment: Treatment | undefined, id: string, done: (error?: Error | null) => void): void {
    if (treatment === undefined) return done();
    if (treatment === 'stall') return;
    if (treatment === 'close') {
      for (const connection of this.server.connections as Set<unknown>)
        if ((connection as Connection).id === id) (connection as Connection)._socket.destroy();
      return;
    }
    done(Object.assign(new Error(treatment.slice(4)), { responseCode: Number(treatment.slice(0, 3)) }));
  }
}

/** smtp-server has no public way to cut a connection. */
interface Connection {
  id: string;
  _socket: { destroy(): void };
}
