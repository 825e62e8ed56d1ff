import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { connect, type AddressInfo } from 'node:net';
import { Revocations, SessionDoor, signToken, TokenGuard, TokenVerifier, type VerifiedToken } from '@tocsin/auth';
import { AlertQueries, bind, revocationIdOf, type NewRevocation } from '@tocsin/contracts/ports';
import { eventually, MemoryAccessChanges } from '@tocsin/contracts/testing';
import { createLogger, Log, Metrics } from '@tocsin/observability';
import { VisibleTenants } from '../access/visible-tenants';
import { prepareHttp } from '../http-server';
import { IntakeController } from '../intake/intake.controller';
import { OpsgenieKeyGuard } from '../intake/opsgenie-key.guard';
import { OpsgenieController } from '../intake/opsgenie.controller';
import { PeerPublisher } from '../intake/peer-publisher';
import { PublishEvents } from '../intake/publish-events';
import { LimitRequests } from '../limits/limit-requests.guard';
import { ProblemFilter } from '../problems/problem.filter';
import { provideRequestCheck } from '../request/before-request';

const SECRET = 'the-secret-of-these-tests-0123456789';
const BODY = JSON.stringify({ tenant_id: 'north', message: 'The oven is cold.' });
const SESSION_ID = 'of-ben';

const accessChanges = new MemoryAccessChanges();
const log = createLogger({ app: 'test', level: 'silent' });
const revocations = new Revocations(accessChanges, log);
const verifier = new TokenVerifier({
  JWT_SECRET: SECRET,
  JWT_SECRET_PREVIOUS: undefined,
  JWT_JWKS_URL: undefined,
  JWT_JWKS_ALGORITHMS: [],
  JWT_ISSUER: undefined,
  JWT_AUDIENCE: undefined,
});

/** A session whose cookie stands for this token, as `Sessions` finds it. */
async function ofSession(): Promise<VerifiedToken> {
  const session = { session_id: SESSION_ID, renew_at: Infinity, ends_at: Infinity };
  return { ...(await verifier.verify(aToken())), session };
}
const aToken = (jti = 'one') =>
  signToken(SECRET, { user_id: 'ben', expiresInSeconds: 60, scopes: ['events:publish'], claims: { jti } });

let published: number;
const publish = () => {
  published += 1;
  return Promise.resolve({ messages: [{ id: 'a', dedup_key: 'a' }], refused: [], dropped: 0 });
};

@Module({
  controllers: [IntakeController, OpsgenieController],
  providers: [
    provideRequestCheck(),
    TokenGuard,
    bind(PeerPublisher, PeerPublisher, TokenVerifier, Revocations, VisibleTenants, LimitRequests),
    { provide: LimitRequests, useValue: {} },
    bind(OpsgenieKeyGuard, OpsgenieKeyGuard, PeerPublisher),
    { provide: TokenVerifier, useValue: verifier },
    { provide: Revocations, useValue: revocations },
    {
      provide: SessionDoor,
      useValue: { tokenOf: ({ headers }: { headers: object }) => ('cookie' in headers ? ofSession() : undefined) },
    },
    { provide: VisibleTenants, useValue: { publisher: () => () => true } },
    { provide: PublishEvents, useValue: { publish, publishGroup: publish } },
    { provide: AlertQueries, useValue: {} },
    { provide: Log, useValue: log },
    { provide: Metrics, useValue: new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 }) },
    { ...bind(ProblemFilter, ProblemFilter, Metrics, Log), provide: APP_FILTER },
  ],
})
class Door {}

let app: NestExpressApplication;
let port: number;
beforeAll(async () => {
  app = await NestFactory.create<NestExpressApplication>(Door, {
    logger: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  prepareHttp(app, { CORS_ORIGINS: [], BODIES_BYTES: 16_777_216 });
  await app.listen(0, '127.0.0.1');
  port = (app.getHttpServer().address() as AddressInfo).port;
});
afterAll(() => app?.close());
beforeEach(() => {
  published = 0;
});

/** Sends half of a body when it is asked for, lets `meanwhile` happen, sends the rest, and returns the answer. */
async function sendWithPause(path: string, credential: string, meanwhile: () => Promise<void>): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1'))).on('error', () => undefined);
  const head = ['Host: tocsin', credential, 'Content-Type: application/json', `Content-Length: ${BODY.length}`];
  socket.write(`POST ${path} HTTP/1.1\r\n${[...head, 'Expect: 100-continue'].join('\r\n')}\r\n\r\n`);
  try {
    // the body is asked for, so the guards have admitted the request
    await eventually(() => expect(heard).toBe('HTTP/1.1 100 Continue\r\n\r\n'));
    socket.write(BODY.slice(0, BODY.length / 2));
    await meanwhile();
    socket.write(BODY.slice(BODY.length / 2));
    await eventually(() => expect(heard).toMatch(/HTTP\/1\.1 [2-5]\d\d [^]*\r\n\r\n\{.*\}$/));
  } finally {
    socket.destroy();
  }
  return heard;
}
const revoked = (revocation: NewRevocation) => () => revocations.revoke(revocation);
/** Two seconds ahead, because a token is issued in whole seconds. */
const soon = () => new Date(Date.now() + 2_000).toISOString();
const EVENTS = '/api/v1/events';

test.each<[string, string, () => string, () => NewRevocation]>([
  ['a token', EVENTS, () => `Authorization: Bearer ${aToken('two')}`, () => ({ user_id: 'ben', jti: 'two' })],
  [
    'a session that was signed out',
    EVENTS,
    () => 'Cookie: tocsin_session=x',
    () => ({ user_id: 'ben', jti: revocationIdOf(SESSION_ID) }),
  ],
  [
    'the key of an Opsgenie client',
    '/api/v1/opsgenie/north/v2/alerts',
    () => `Authorization: GenieKey ${aToken('three')}`,
    () => ({ user_id: 'ben', jti: 'three' }),
  ],
  ['a user', EVENTS, () => `Authorization: Bearer ${aToken()}`, () => ({ user_id: 'ben', issued_before: soon() })],
])('nothing is published when %s is revoked while the body arrives', async (_, path, credential, revocation) => {
  const answer = await sendWithPause(path, credential(), revoked(revocation()));
  expect(published).toBe(0);
  expect(answer).toContain('HTTP/1.1 401 ');
  expect(answer).toContain('"token_revoked"');
});

test('a revocation of another user changes nothing', async () => {
  const other = signToken(SECRET, { user_id: 'ana', expiresInSeconds: 60, scopes: ['events:publish'] });
  const answer = await sendWithPause(EVENTS, `Authorization: Bearer ${other}`, revoked({ user_id: 'cleo' }));
  expect(answer).toContain('HTTP/1.1 202 ');
  expect(published).toBe(1);
});
