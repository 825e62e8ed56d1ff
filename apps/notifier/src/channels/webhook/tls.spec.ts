import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { anEntry, aTenant } from '@tocsin/contracts/testing';
import { WebhookChannel } from '../webhook.channel';
import { resolveByDns } from './resolve';
import { NameServer } from './testing/name-server';
import { OneEndpoint } from './testing/one-endpoint';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-tls-'));
const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name)) as [string, string];
let server: Server;
let names: NameServer;
let asked: { servername: unknown; host: string | undefined }[];

beforeAll(async () => {
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  const subject = ['-subj', '/CN=hooks.example', '-addext', 'subjectAltName=DNS:hooks.example'];
  execFileSync('openssl', [...request, ...subject], { stdio: 'ignore' });
  server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (incoming, response) => {
    asked.push({
      servername: (incoming.socket as TLSSocket & { servername: unknown }).servername,
      host: incoming.headers.host,
    });
    response.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  names = await NameServer.open((_name, family) => (family === 4 ? ['127.0.0.1'] : []));
});
afterAll(() => {
  names?.close();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => (asked = []));

const sendTo = (host: string, ca?: string) =>
  new WebhookChannel(new OneEndpoint(), {
    allowPrivate: true,
    resolve: resolveByDns([names.address]),
    ...(ca && { ca }),
  }).send(
    {
      tenant_id: aTenant('bakery'),
      delivery_id: 'd-1',
      channel: 'webhook',
      recipient: `https://${host}:${(server.address() as AddressInfo).port}/`,
      attempt: 1,
      created_at: '2026-01-02T03:04:06.000Z',
      first_due_at: '2026-01-02T03:04:06.000Z',
      entry: anEntry(),
      notification: null,
    },
    new AbortController().signal,
  );

test('the certificate and the Host are those of the name, although the connection goes to the checked address', async () => {
  expect(await sendTo('hooks.example', readFileSync(cert, 'utf8'))).toMatchObject({ outcome: 'sent' });
  expect(asked).toEqual([
    { servername: 'hooks.example', host: `hooks.example:${(server.address() as AddressInfo).port}` },
  ]);
});

test('a certificate of another name or authority gets no request, even if the environment trusts all', async () => {
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    expect(await sendTo('other.example', readFileSync(cert, 'utf8'))).toMatchObject({
      outcome: 'retry',
      reason: 'connection_failed',
      answer: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(await sendTo('hooks.example')).toMatchObject({
      outcome: 'retry',
      reason: 'connection_failed',
      answer: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
  } finally {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  }
  expect(asked).toEqual([]);
});
