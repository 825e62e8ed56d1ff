import { Unavailable, type Refused } from '@tocsin/contracts';
import { TicketStore } from '@tocsin/contracts/ports';
import { createSecretKey } from 'node:crypto';
import { SignJWT, decodeJwt } from 'jose';
import { signToken } from './sign-token';
import { Tickets } from './tickets';
import { TokenVerifier, type VerifiedToken } from './token-verifier';

const SECRET = 'the-secret-of-these-tests-0123456789';

/** Remembers spent tickets, as every store does, and can be away. */
class SpentTickets extends TicketStore {
  readonly spent = new Map<string, Date>();
  away = false;
  async redeem(jti: string, expiresAt: Date): Promise<boolean> {
    if (this.away) throw new Unavailable('tickets', 'away');
    if (this.spent.has(jti)) return false;
    this.spent.set(jti, expiresAt);
    return true;
  }
}

let store: SpentTickets;
let nowMs: number;
let tickets: Tickets;
const verifier = new TokenVerifier({ JWT_SECRET: SECRET, JWT_JWKS_ALGORITHMS: ['RS256'] });
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: Refused) => error.code,
  );
const tokenFor = (seconds = 3600): Promise<VerifiedToken> =>
  verifier.verify(
    signToken(SECRET, {
      user_id: 'ada',
      expiresInSeconds: seconds,
      issuer: 'https://id/',
      scopes: ['alerts:read', 'alerts:write'],
      claims: { iat: Math.floor(nowMs / 1_000), jti: 'j1', tenants: ['acme'], email: 'ada@example.org' },
    }),
  );

beforeEach(() => {
  store = new SpentTickets();
  nowMs = Date.now();
  tickets = new Tickets(store, { secrets: [SECRET], carriedClaims: ['tenants'] }, () => nowMs);
});

describe('a ticket', () => {
  test("carries the token's right, and of its claims only those that are needed", async () => {
    const token = await tokenFor();
    const { ticket, expires_in } = tickets.issue(token);
    expect(expires_in).toBe(30);
    expect(await tickets.redeem(ticket)).toEqual({
      ...token,
      claims: { iss: 'https://id/', tenants: ['acme'], sub: 'ada' },
      token: '',
    });
    expect(Buffer.from(ticket.split('.')[1]!, 'base64url').toString()).not.toContain('ada@example.org');
  });

  test('opens one stream', async () => {
    const { ticket } = tickets.issue(await tokenFor());
    expect(await codeOf(tickets.redeem(ticket))).toBe('accepted');
    expect(await codeOf(tickets.redeem(ticket))).toBe('invalid_ticket');
  });

  test('is good for 30 s, and spent for longer than any clock would take it for valid', async () => {
    const { ticket } = tickets.issue(await tokenFor());
    nowMs += 29_000;
    await tickets.redeem(ticket);
    const [spentUntil] = store.spent.values();
    expect(spentUntil!.getTime()).toBeGreaterThanOrEqual(nowMs + 31_000);
    const { ticket: late } = tickets.issue(await tokenFor());
    nowMs += 30_000;
    expect(await codeOf(tickets.redeem(late))).toBe('invalid_ticket');
  });

  test('does not outlive its token', async () => {
    const token = await tokenFor(10);
    const { ticket, expires_in } = tickets.issue(token);
    expect(expires_in).toBeLessThanOrEqual(10);
    nowMs += 10_000;
    expect(await codeOf(tickets.redeem(ticket))).toBe('invalid_ticket');
  });

  test('is never accepted as a token, nor a token as a ticket', async () => {
    const token = await tokenFor();
    expect(await codeOf(verifier.verify(tickets.issue(token).ticket))).toBe('invalid_token');
    expect(await codeOf(tickets.redeem(token.token))).toBe('invalid_ticket');
    const forged = await new SignJWT({
      jti: 'x',
      user_id: 'eve',
      right: {},
      aud: 'tocsin:stream',
      exp: Math.floor(nowMs / 1000) + 20,
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'tocsin-ticket+jwt' })
      .sign(createSecretKey(SECRET, 'utf8'));
    expect(await codeOf(tickets.redeem(forged))).toBe('invalid_ticket');
  });

  test.each(['', 'x', 'a.b.c', 'x'.repeat(20_000)])('that is garbage (%#) is an invalid ticket', async (ticket) => {
    expect(await codeOf(tickets.redeem(ticket))).toBe('invalid_ticket');
  });

  test('that was changed is an invalid ticket and is not spent', async () => {
    const { ticket } = tickets.issue(await tokenFor());
    const [header, , signature] = ticket.split('.');
    const changed = `${header}.${Buffer.from(JSON.stringify({ ...decodeJwt(ticket), user_id: 'eve' })).toString('base64url')}.${signature}`;
    expect(await codeOf(tickets.redeem(changed))).toBe('invalid_ticket');
    expect(store.spent.size).toBe(0);
  });

  test('is not refused while the store cannot say whether it was spent', async () => {
    const { ticket } = tickets.issue(await tokenFor());
    store.away = true;
    await expect(tickets.redeem(ticket)).rejects.toBeInstanceOf(Unavailable);
    store.away = false;
    expect(await codeOf(tickets.redeem(ticket))).toBe('accepted');
  });

  test('survives the rotation of its secret', async () => {
    const { ticket } = tickets.issue(await tokenFor());
    const rotated = new Tickets(store, { secrets: ['n'.repeat(32), SECRET] });
    expect(await codeOf(rotated.redeem(ticket))).toBe('accepted');
    expect(
      await codeOf(new Tickets(store, { secrets: ['n'.repeat(32)] }).redeem(tickets.issue(await tokenFor()).ticket)),
    ).toBe('invalid_ticket');
  });

  test('carries the token itself, unreadable, where the tenant service is asked with it', async () => {
    const carrying = new Tickets(store, { secrets: [SECRET], carriesToken: true });
    const token = await tokenFor();
    const { ticket } = carrying.issue(token);
    const [, payload] = ticket.split('.');
    const signature = token.token.split('.')[2]!;
    expect(Buffer.from(payload!, 'base64url').toString()).not.toContain(signature);
    expect((await carrying.redeem(ticket)).token).toBe(token.token);
  });
});

describe('a cookie', () => {
  test("carries the token's right for a quarter of an hour, as often as it comes, and touches no store", async () => {
    const token = await tokenFor();
    const { cookie, expires_in } = tickets.issueCookie(token);
    expect(expires_in).toBe(900);
    store.away = true;
    for (let i = 0; i < 3; i += 1)
      expect(tickets.accept(cookie)).toEqual({
        ...token,
        claims: { iss: 'https://id/', tenants: ['acme'], sub: 'ada' },
        token: '',
      });
    nowMs += 900_001;
    expect(await codeOf(Promise.resolve().then(() => tickets.accept(cookie)))).toBe('invalid_ticket');
  });

  test('is no ticket, no token, and neither of them is a cookie', async () => {
    const token = await tokenFor();
    const { cookie } = tickets.issueCookie(token);
    const { ticket } = tickets.issue(token);
    const accept = (value: string) => codeOf(Promise.resolve().then(() => tickets.accept(value)));
    expect(await codeOf(tickets.redeem(cookie))).toBe('invalid_ticket');
    expect(await accept(ticket)).toBe('invalid_ticket');
    expect(await accept(token.token)).toBe('invalid_ticket');
    expect(await codeOf(verifier.verify(cookie))).toBe('invalid_token');
  });

  test('that no browser would keep is refused', async () => {
    const long = new Tickets(store, { secrets: [SECRET], carriedClaims: ['long'] }, () => nowMs);
    const token = { ...(await tokenFor()), claims: { long: 'x'.repeat(4_000) } };
    expect(await codeOf(Promise.resolve().then(() => long.issueCookie(token)))).toBe('invalid_request');
  });
});
