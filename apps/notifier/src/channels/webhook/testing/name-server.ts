import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import ipaddr from 'ipaddr.js';

/** Gives the addresses of a name. `nth` counts the queries of one type for this name: 0, 1, 2 … */
export type Zone = (name: string, family: 4 | 6, nth: number) => readonly string[];

/** A real name server on loopback. It answers queries for A and AAAA from a function, and keeps the names. */
export class NameServer {
  readonly asked: string[] = [];
  private constructor(
    private readonly socket: Socket,
    private readonly zone: Zone,
  ) {
    socket.on('message', (question, from) => socket.send(this.answer(question), from.port, from.address));
  }

  static async open(zone: Zone): Promise<NameServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new NameServer(socket, zone);
  }

  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  close(): void {
    this.socket.close();
  }

  private answer(question: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (; question[at]! > 0; at += 1 + question[at]!)
      labels.push(question.toString('ascii', at + 1, at + 1 + question[at]!));
    const type = question.readUInt16BE(at + 1);
    const end = at + 5;
    const family = type === 1 ? 4 : 6;
    const name = labels.join('.').toLowerCase();
    const key = `${name} ${family}`;
    const nth = this.asked.filter((one) => one === key).length;
    this.asked.push(key);
    const records = this.zone(name, family, nth).map((address) => {
      const data = Buffer.from(ipaddr.parse(address).toByteArray());
      const head = Buffer.alloc(12);
      head.writeUInt16BE(0xc00c, 0); // the name of the question
      head.writeUInt16BE(type, 2);
      head.writeUInt16BE(1, 4);
      head.writeUInt16BE(data.length, 10);
      return Buffer.concat([head, data]);
    });
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt16BE(0, 8);
    head.writeUInt16BE(0, 10);
    return Buffer.concat([head, question.subarray(12, end), ...records]);
  }
}
