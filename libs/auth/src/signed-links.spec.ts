import { createHmac, hkdfSync } from 'node:crypto';
import { Unavailable } from '@tocsin/contracts';
import { aTenant } from '@tocsin/contracts/testing';
import { LINK_LIFETIMES_MS, SignedLinks, type MessageLink } from './signed-links';

const KEY = 'k'.repeat(64);
let nowMs: number;
let links: SignedLinks;
beforeEach(() => {
  nowMs = Date.parse('2026-01-02T03:04:05.678Z');
  links = new SignedLinks({ read: () => Promise.resolve(KEY) }, () => nowMs);
});

const LINK: MessageLink = {
  purpose: 'acknowledge',
  tenant_id: aTenant('bakery'),
  channel: 'email',
  address: 'Zoë@example.test',
  alert_id: '01920000-0000-7000-8000-000000000001',
};
const INVALID = { ok: false, reason: 'invalid' };

it('a link says again what it was made of, until its time is over', async () => {
  for (const purpose of ['acknowledge', 'unsubscribe'] as const) {
    const link = { ...LINK, purpose };
    const token = await links.sign(link);
    expect(token).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/);
    const madeAtMs = nowMs;
    nowMs = madeAtMs + LINK_LIFETIMES_MS[purpose] - 1_000;
    expect(await links.read(token, purpose)).toEqual({ ok: true, link });
    nowMs = madeAtMs + LINK_LIFETIMES_MS[purpose] + 1_000;
    expect(await links.read(token, purpose)).toEqual({ ok: false, reason: 'expired' });
  }
});

it('a link serves its own purpose alone', async () => {
  expect(await links.read(await links.sign(LINK), 'unsubscribe')).toEqual(INVALID);
  expect(await links.read(await links.sign({ ...LINK, purpose: 'unsubscribe' }), 'acknowledge')).toEqual(INVALID);
});

it('a link with one changed character is invalid, wherever it is', async () => {
  const token = await links.sign(LINK);
  for (let at = 0; at < token.length - 1; at += 1) {
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    expect([at, await links.read(changed, 'acknowledge')]).toEqual([at, INVALID]);
  }
});

it('other texts are no links', async () => {
  for (const token of ['', '.', 'a', 'a.b', '..', 'a.b.c', `${'a'.repeat(5_000)}.b`, '\0.\0', 'ü.ü'])
    expect([token, await links.read(token, 'acknowledge')]).toEqual([token, INVALID]);
});

it('a link that another system has signed, or with the kept key itself, is invalid', async () => {
  const other = new SignedLinks({ read: () => Promise.resolve('o'.repeat(64)) }, () => nowMs);
  expect(await links.read(await other.sign(LINK), 'acknowledge')).toEqual(INVALID);
  const [body] = (await links.sign(LINK)).split('.');
  const signed = createHmac('sha256', KEY).update(Buffer.from(body!, 'base64url')).digest('base64url');
  expect(await links.read(`${body}.${signed}`, 'acknowledge')).toEqual(INVALID);
});

it('what is rightly signed but has another form is invalid', async () => {
  const key = Buffer.from(hkdfSync('sha256', KEY, '', 'tocsin link to acknowledge v1', 32));
  for (const said of [
    [2, 'acknowledge', 'bakery', 'email', 'a@b.test', null, 9e9],
    [1, 'acknowledge', 'not a tenant', 'email', 'a@b.test', null, 9e9],
    [1, 'acknowledge', 'bakery', 'pigeon', 'a@b.test', null, 9e9],
    [1, 'acknowledge', 'bakery', 'email', 7, null, 9e9],
    [1, 'acknowledge', 'bakery', 'email', 'a@b.test', {}, 9e9],
    [1, 'acknowledge', 'bakery', 'email', 'a@b.test', null, '9e9'],
    [],
  ]) {
    const body = Buffer.from(JSON.stringify(said));
    const token = `${body.toString('base64url')}.${createHmac('sha256', key).update(body).digest('base64url')}`;
    expect([said, await links.read(token, 'acknowledge')]).toEqual([said, INVALID]);
  }
});

it('the key is read once, and again after it could not be read', async () => {
  let reads = 0;
  links = new SignedLinks({
    read: () => ((reads += 1) === 1 ? Promise.reject(new Unavailable('log', 'away')) : Promise.resolve(KEY)),
  });
  await expect(links.sign(LINK)).rejects.toThrow(Unavailable);
  await Promise.all([links.sign(LINK), links.sign(LINK)]);
  await links.sign(LINK);
  expect(reads).toBe(2);
});
