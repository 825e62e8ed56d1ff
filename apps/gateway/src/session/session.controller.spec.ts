import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { Revocations, SessionCookies, SessionDoor, type SignInParts } from '@tocsin/auth';
import { Refused } from '@tocsin/contracts';
import { MemoryAccessChanges } from '@tocsin/contracts/testing';
import { createLogger, Log } from '@tocsin/observability';
import { readStreamRequest } from '../connect/stream-request';
import { SessionController } from './session.controller';

const PAGE = 'https://tocsin.test';
const STREAM = '__Host-tocsin_stream';
const SESSION = '__Host-tocsin_session';
const BOTH = { [STREAM]: 'of-ana', [SESSION]: 'of-ana-too' };

let ended: string[];
let finish: SignInParts['signIn']['finish'];
const parts = {
  cookies: new SessionCookies(PAGE),
  origins: new Set([PAGE]),
  sessions: {
    create: () => Promise.resolve('of-ben'),
    end: (secret: string) => {
      ended.push(secret);
      return Promise.resolve(null);
    },
  },
  signIn: { finish: (...given: Parameters<typeof finish>) => finish(...given), returnTo: () => `${PAGE}/` },
} as unknown as SignInParts;
const log = createLogger({ app: 'test', level: 'silent' });

@Module({
  controllers: [SessionController],
  providers: [
    { provide: SessionDoor, useValue: new SessionDoor(parts) },
    { provide: Revocations, useValue: new Revocations(new MemoryAccessChanges(), log) },
    { provide: Log, useValue: log },
  ],
})
class Door {}

let app: NestExpressApplication;
let origin: string;
beforeAll(async () => {
  app = await NestFactory.create<NestExpressApplication>(Door, { logger: false, forceCloseConnections: true });
  await app.listen(0, '127.0.0.1');
  origin = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
});
afterAll(() => app?.close());
beforeEach(() => {
  ended = [];
  finish = () => Promise.resolve({ tokens: {}, return_to: `${PAGE}/` } as never);
});

/** The cookies that a browser with these has after a request. */
async function cookiesAfter(method: string, path: string, cookies: Record<string, string>) {
  const headers = { Cookie: cookieOf(cookies), Origin: PAGE, Accept: 'text/html' };
  const response = await fetch(`${origin}/api/v1/session${path}`, { method, headers, redirect: 'manual' });
  const left = { ...cookies };
  for (const set of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
    // a browser takes such a name only with these attributes, also from one that clears it
    expect(set).toMatch(/; Path=\/(;|$)/);
    expect(set).toMatch(/; Secure(;|$)/);
    if (value) left[name!] = value;
    else delete left[name!];
  }
  return left;
}
const cookieOf = (cookies: Record<string, string>): string =>
  Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
const credentialOf = (cookies: Record<string, string>) =>
  readStreamRequest({ url: '/api/events', headers: { cookie: cookieOf(cookies) }, rawHeaders: [] }, 0, SESSION)
    .credential;

test('no cookie opens a stream after a sign-out', async () => {
  expect(await cookiesAfter('DELETE', '', BOTH)).toEqual({});
  expect(ended).toEqual(['of-ana-too']);
  expect(await cookiesAfter('DELETE', '', { [STREAM]: 'of-ana' })).toEqual({});
});

test('a stream is of the person who has signed in, and not of the one before', async () => {
  expect(credentialOf(BOTH)).toEqual({ kind: 'cookie', value: 'of-ana' });
  const cookies = await cookiesAfter('GET', '/callback?state=any', BOTH);
  expect(cookies).toEqual({ [SESSION]: 'of-ben' });
  expect(credentialOf(cookies)).toEqual({ kind: 'session', value: 'of-ben' });
});

test('a sign-in that fails leaves the cookies as they are', async () => {
  finish = () => Promise.reject(new Refused('sign_in_failed', 'no'));
  expect(await cookiesAfter('GET', '/callback?state=any', BOTH)).toEqual(BOTH);
});
