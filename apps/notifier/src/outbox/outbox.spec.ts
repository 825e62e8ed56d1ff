import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { Unavailable, type ClaimedDelivery } from '@tocsin/contracts';
import { anEntry, aTenant } from '@tocsin/contracts/testing';
import type { Channel } from '@tocsin/contracts/wire';
import { OutboxChannel } from '../channels/outbox.channel';
import { OutboxFolder } from './outbox-folder';
import { OutboxController } from './outbox.controller';

const SETTINGS = {
  MAIL_FROM: { name: 'Tocsin', address: 'tocsin@localhost', domain: 'localhost' },
  PUBLIC_URL: 'http://localhost:8000',
};

let path: string;
let folder: OutboxFolder;
let unsubscribed: boolean | Error;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'tocsin-outbox-')), 'outbox');
  folder = new OutboxFolder(path, 3);
  unsubscribed = false;
});
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }));

const deliver = (channel: Channel, recipient: string, overrides: Partial<ClaimedDelivery> = {}) =>
  new OutboxChannel(channel, SETTINGS, {
    folder,
    links: { sign: () => Promise.resolve('signed') },
    unsubscribes: {
      has: () => (unsubscribed instanceof Error ? Promise.reject(unsubscribed) : Promise.resolve(unsubscribed)),
    },
  }).send({
    entry: anEntry(),
    notification: null,
    tenant_id: aTenant('bakery'),
    delivery_id: randomUUID(),
    channel,
    recipient,
    attempt: 1,
    created_at: '2026-01-02T03:04:06.000Z',
    first_due_at: '2026-01-02T03:04:06.000Z',
    ...overrides,
  });
const files = () => readdirSync(path).filter((name) => !name.startsWith('.'));

describe('the folder', () => {
  it('gets a mail as a file that mail programs open, and another channel as text', async () => {
    expect(await deliver('email', 'ana@example.test')).toEqual({ outcome: 'sent', answer: 'written to the outbox' });
    await deliver('sms', '+15550100');
    const [eml, txt] = files();
    const mail = await simpleParser(readFileSync(join(path, eml!)));
    expect(mail).toMatchObject({ subject: '[URGENT] Flour is running low · inventory' });
    expect(mail.html).toContain('href="http://localhost:8000/a/signed"');
    expect(readFileSync(join(path, txt!), 'utf8')).toMatch(
      /^To: \+15550100\nChannel: sms\n\nURGENT: Flour is running low \(inventory\) http:\S+\n$/,
    );
    expect(statSync(join(path, eml!)).mode & 0o077).toBe(0);
  });

  it('keeps the newest, lists them so, and finds them again after a restart', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await deliver('email', `${name}@example.test`);
    const newest = ['e', 'd', 'c'].map((name) => `${name}@example.test`);
    expect((await folder.list(10)).map(({ recipient }) => recipient)).toEqual(newest);
    folder = new OutboxFolder(path, 3);
    expect((await folder.list(2)).map(({ recipient }) => recipient)).toEqual(newest.slice(0, 2));
    await deliver('sms', '+15550100');
    expect(files().map((name) => name.split('.')[1])).toEqual(['eml', 'eml', 'txt']);
    expect(readdirSync(join(path, '.page'))).toHaveLength(3);
  });

  it('gets nothing for a recipient that has unsubscribed', async () => {
    unsubscribed = true;
    expect(await deliver('email', 'ana@example.test')).toEqual({ outcome: 'failed', reason: 'unsubscribed', of: 'us' });
    expect(await folder.list(10)).toEqual([]);
  });

  it('gets nothing while the store is unreachable, and the mail is tried again later', async () => {
    unsubscribed = new Unavailable('log', 'away');
    expect(await deliver('email', 'ana@example.test')).toEqual({
      outcome: 'retry',
      reason: 'connection_failed',
      answer: 'away',
      of: 'us',
    });
    expect(await folder.list(10)).toEqual([]);
  });

  it.each(['../../etc/passwd', '..', '.page', '', `20260102T030405678Z-0001-email-${'0'.repeat(36)}/..`])(
    'has no message called %j',
    async (name) => expect(await folder.read(name)).toBeUndefined(),
  );
});

describe('the page', () => {
  let app: NestExpressApplication;
  let port: number;
  beforeEach(async () => {
    @Module({ controllers: [OutboxController], providers: [{ provide: OutboxFolder, useValue: folder }] })
    class TestModule {}
    app = await NestFactory.create<NestExpressApplication>(TestModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    port = (app.getHttpServer().address() as AddressInfo).port;
  });
  afterEach(() => app.close());
  /** fetch does not let one choose the Host. */
  const ask = (address: string, headers: Record<string, string> = {}) =>
    new Promise<{ status: number; html: string; policy: string }>((resolve, reject) => {
      get(
        { port, host: '127.0.0.1', path: address, headers: { host: `localhost:${port}`, ...headers } },
        (response) => {
          let html = '';
          response.on('data', (chunk: Buffer) => (html += chunk.toString()));
          response.on('end', () =>
            resolve({
              status: response.statusCode!,
              html,
              policy: String(response.headers['content-security-policy']),
            }),
          );
        },
      ).on('error', reject);
    });

  it('lists the messages and shows one, with its HTML in a frame that has no rights', async () => {
    expect((await ask('/outbox')).html).toContain('Nothing yet.');
    await deliver('email', '<b>ana</b>@example.test', { entry: anEntry({ title: '<script>x</script>' }) });
    const list = await ask('/outbox');
    expect(list.html).toContain('&lt;b&gt;ana&lt;/b&gt;@example.test');
    expect(list.html).not.toMatch(/<script|<b>/);
    const link = /href="(\/outbox\/[^"]+)"/.exec(list.html)![1]!;
    const one = await ask(link);
    expect(one.html).toContain(`<iframe src="${link}/html" sandbox="allow-popups allow-popups-to-escape-sandbox"`);
    expect(one.html).not.toMatch(/<script|<b>/);
    expect(one.policy).toMatch(/^default-src 'none'; style-src 'sha256-/);
    const mail = await ask(`${link}/html`);
    expect(mail.html).toContain('<base target="_blank">');
    expect(mail.html).not.toContain('<script');
    expect(mail.policy).toMatch(/^sandbox allow-popups .*default-src 'none'/);
  });

  it.each([
    ['by another name', { host: 'evil.test' }],
    ['through a proxy', { 'x-forwarded-for': '203.0.113.7' }],
  ])('is not there %s', async (_, headers) => {
    await deliver('email', 'ana@example.test');
    const [{ name } = { name: '' }] = await folder.list(1);
    for (const address of ['/outbox', `/outbox/${name}`, `/outbox/${name}/html`]) {
      expect((await ask(address)).status).toBe(200);
      expect((await ask(address, headers)).status).not.toBe(200);
    }
  });
});
