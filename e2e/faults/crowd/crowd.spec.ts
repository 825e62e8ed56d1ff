import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@tocsin/contracts/testing';
import type { StoredRow } from '../../kit/ledger';
import { brokenInCrowd, Crowd } from './crowd';

const row = (seq: number): StoredRow => ({
  tenant_id: 'bakery',
  seq,
  epoch: 'e',
  fp: `f${seq}`,
  service: 'inventory',
  event_id: `m${seq}`,
});
const entry = (seq: number) =>
  `id: e-${seq}-f${seq}\nevent: notification\ndata: {"tenant_id":"bakery","seq":${seq},"event_id":"m${seq}"}\n\n`;
const connection = (seq: number, verdict: string) =>
  `retry: 50\nid: e-${seq}-f${seq}\nevent: connection\ndata: {"verdict":"${verdict}"}\n\n`;

describe('a crowd', () => {
  let server: Server;
  let crowd: Crowd | undefined;
  /** The response for each connection, and the cursor of its request. */
  let answers: ((response: ServerResponse) => void)[];
  let cursors: (string | undefined)[];

  beforeEach(async () => {
    answers = [];
    cursors = [];
    server = createServer((request, response) => {
      cursors.push(request.headers['last-event-id'] as string | undefined);
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      answers.shift()?.(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    await crowd?.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function opened(): Promise<Crowd> {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/events`;
    return (crowd = await Crowd.open({ members: [{ user: 'ana', tenant: 'bakery' }], urls: [url] }));
  }
  const found = async (rows: StoredRow[]) => brokenInCrowd(await crowd!.report(), rows);

  it('comes back with its cursor, and has nothing to say when its run is the log', async () => {
    answers = [
      (response) => response.end(connection(1, 'fresh') + entry(2)),
      (response) => response.write(connection(2, 'resumed') + entry(3)),
    ];
    await opened();
    await eventually(async () => expect(await found([1, 2, 3].map(row))).toEqual([]));
    expect(cursors).toEqual([undefined, 'e-2-f2']);
    expect((await crowd!.report()).absencesMs).toHaveLength(1);
  });

  it.each([
    ['client_missed', entry(2) + entry(4)],
    ['client_saw_twice', entry(2) + entry(2)],
    ['client_saw_foreign', entry(2).replace('bakery', 'brewery')],
    ['client_saw_unknown', entry(2) + entry(3).replace('f3', 'other')],
    ['client_not_at_head', entry(2)],
    ['id_before_entry', `${entry(2)}id: e-3-f3\nevent: heartbeat\ndata: {}\n\n`],
    ['told_gap', `${entry(2)}id: e-2-f2\nevent: reset\ndata: {}\n\n`],
  ])('names what is wrong: %s', async (name, text) => {
    answers = [(response) => response.write(connection(1, 'fresh') + text)];
    await opened();
    await eventually(async () =>
      expect((await found([1, 2, 3].map(row))).map((line) => line.split(':')[0])).toContain(name),
    );
  });
});
