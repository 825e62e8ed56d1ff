import { Catch, Controller, Get, Module, type ArgumentsHost, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { readSettings } from '@tocsin/settings';
import { Refused, Unavailable } from '@tocsin/contracts';
import { AccessChanges, TenantDirectory, TicketStore } from '@tocsin/contracts/ports';
import { MemoryAccessChanges } from '@tocsin/contracts/testing';
import { Health, observabilitySettings, ObservabilityModule } from '@tocsin/observability';
import { request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AuthModule, tenantDirectoryFrom } from './auth.module';
import { Memberships } from './memberships';
import { Revocations } from './revocations';
import { authSettings } from './settings';
import { signToken } from './sign-token';
import { Tickets } from './tickets';
import { Scopes, Token } from './token.guard';
import { TokenVerifier, type VerifiedToken } from './token-verifier';

const SECRET = 'the-secret-of-these-tests-0123456789';
const settings = readSettings(authSettings, { JWT_SECRET: SECRET, TENANT_SERVICE_URL: 'http://127.0.0.1:1' });

@Controller()
class Routes {
  @Get('read') @Scopes('alerts:read') read(@Token() token: VerifiedToken) {
    return { user_id: token.user_id };
  }
  @Get('publish') @Scopes('events:publish') publish() {
    return {};
  }
  @Get('any') @Scopes() any() {
    return {};
  }
  @Get('open') open() {
    return {};
  }
}

/** Replaces the gateway's problem filter. */
@Catch(Refused, Unavailable)
class CodeFilter {
  catch(error: Refused, host: ArgumentsHost) {
    host.switchToHttp().getResponse<ServerResponse>().writeHead(418).end(error.code);
  }
}

class NoStore extends TicketStore {
  redeem = async () => true;
}

const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});
const accessChanges = new MemoryAccessChanges();
@Module({})
class Adapters {}
const adapters = {
  module: Adapters,
  providers: [
    { provide: TenantDirectory, useFactory: () => tenantDirectoryFrom(settings) },
    { provide: TicketStore, useClass: NoStore },
    { provide: AccessChanges, useValue: accessChanges },
  ],
  exports: [TenantDirectory, TicketStore, AccessChanges],
};
@Module({ imports: [AuthModule.forRoot({ settings, adapters, observability })], controllers: [Routes] })
class App {}

let app: INestApplication;
let port: number;
beforeAll(async () => {
  app = await NestFactory.create(App, { logger: false });
  app.useGlobalFilters(new CodeFilter());
  await app.listen(0, '127.0.0.1');
  port = (app.getHttpServer().address() as AddressInfo).port;
});
afterAll(() => app.close());

const token = (scopes?: ('alerts:read' | 'events:publish')[]) =>
  signToken(SECRET, { user_id: 'ada', expiresInSeconds: 60, ...(scopes ? { scopes } : {}) });
/** Uses `node:http`, which sends the headers unchanged. */
const get = (path: string, headers: Record<string, string | string[]> = {}) =>
  new Promise<string>((resolve, reject) => {
    httpRequest({ port, host: '127.0.0.1', path, headers }, (response) => {
      let body = '';
      response
        .on('data', (chunk) => (body += chunk))
        .on('end', () => resolve(response.statusCode === 200 ? `200 ${body}` : body));
    })
      .on('error', reject)
      .end();
  });
const bearer = (value: string) => ({ Authorization: `Bearer ${value}` });

describe('a guarded route', () => {
  test('is open to a token with its scope, and knows whose it is', async () => {
    expect(await get('/read', bearer(token()))).toBe('200 {"user_id":"ada"}');
    expect(await get('/read?tenant=acme', { authorization: `bearer ${token()}` })).toBe('200 {"user_id":"ada"}');
    expect(await get('/publish', bearer(token(['events:publish'])))).toBe('200 {}');
    expect(await get('/any', bearer(token(['events:publish'])))).toBe('200 {}');
  });

  test('is closed to a token without it', async () => {
    expect(await get('/publish', bearer(token()))).toBe('insufficient_scope');
    expect(await get('/read', bearer(token(['events:publish'])))).toBe('insufficient_scope');
  });

  test('is closed to a request without a valid token in its header', async () => {
    expect(await get('/read')).toBe('missing_credentials');
    expect(await get('/read', bearer('test'))).toBe('invalid_token');
    expect(await get(`/read?token=${token()}`)).toBe('missing_credentials');
  });

  test.each(['Bearer', 'Bearer a b', 'Bearer a,b', 'x'])('refuses the malformed header %j', async (Authorization) => {
    expect(await get('/read', { Authorization })).toBe('invalid_request');
  });

  test('what a proxy sends of another scheme is no credential, and none too many', async () => {
    expect(await get('/read', { Authorization: 'Basic YTpi' })).toBe('missing_credentials');
    expect(await get('/read', { Authorization: ['Basic YTpi', `Bearer ${token()}`] })).toBe('200 {"user_id":"ada"}');
  });

  test('refuses two credentials', async () => {
    for (const name of ['token', 'ticket', 'access_token'])
      expect(await get(`/read?x=1&${name}=abc`, bearer(token()))).toBe('invalid_request');
    expect(await get('/read', { Authorization: [`Bearer ${token()}`, `Bearer ${token()}`] })).toBe('invalid_request');
  });

  test('is closed to a token that was revoked, and open to one that was issued later', async () => {
    const issued = (fromNowSeconds: number) =>
      signToken(SECRET, {
        user_id: 'bob',
        expiresInSeconds: 60,
        claims: { iat: Math.floor(Date.now() / 1000) + fromNowSeconds },
      });
    const old = issued(-2);
    expect(await get('/read', bearer(old))).toBe('200 {"user_id":"bob"}');
    await accessChanges.revoke({ user_id: 'bob' });
    await app.get(Revocations, { strict: false }).check();
    expect(await get('/read', bearer(old))).toBe('token_revoked');
    expect(await get('/any', bearer(old))).toBe('token_revoked');
    expect(await get('/read', bearer(issued(1)))).toBe('200 {"user_id":"bob"}');
    expect(await get('/read', bearer(token()))).toBe('200 {"user_id":"ada"}');
  });

  test('leaves the others alone', async () => {
    expect(await get('/open')).toBe('200 {}');
  });
});

test('the module has one of everything, and tells the health of the tenant service', async () => {
  for (const type of [TokenVerifier, Tickets, Memberships, Revocations])
    expect(app.get(type as never, { strict: false })).toBeInstanceOf(type);
  expect(Object.keys(app.get(Health, { strict: false }).dependencies)).toEqual(['tenant_service', 'revocations']);
});

test('the module knows what was revoked from its start on, and asks no more once it is closed', async () => {
  const store = new MemoryAccessChanges();
  store.add({ user_id: 'bob' });
  const own = {
    ...adapters,
    module: class OwnAdapters {},
    providers: [...adapters.providers.slice(0, 2), { provide: AccessChanges, useValue: store }],
  };
  const started = await NestFactory.create(
    { module: class OwnApp {}, imports: [AuthModule.forRoot({ settings, adapters: own, observability })] },
    { logger: false },
  );
  await started.init();
  const revocations = started.get(Revocations, { strict: false });
  expect(revocations.isRevoked({ user_id: 'bob', jti: null, issued_at: null })).toBe(true);
  await revocations.readLately();
  jest.useFakeTimers();
  try {
    await started.close();
    const { length } = store.asked;
    jest.advanceTimersByTime(60_000);
    expect(store.asked).toHaveLength(length);
  } finally {
    jest.useRealTimers();
  }
});
