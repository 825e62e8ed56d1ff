import { Refused } from '@tocsin/contracts';
import { readStreamRequest } from './stream-request';

const bearer = { authorization: 'Bearer abc' };
const read = (query: string, headers: Record<string, string> = bearer) =>
  readStreamRequest({ headers, rawHeaders: Object.entries(headers).flat(), url: `/api/events?${query}` }, 0);
function codeOf(query: string, headers: Record<string, string> = bearer): string {
  try {
    read(query, headers);
  } catch (error) {
    return (error as Refused).code;
  }
  return 'accepted';
}

it('takes one credential of any kind, and refuses two', () => {
  expect(read('').credential).toEqual({ kind: 'bearer', value: 'abc' });
  expect(read('token=t', {}).credential).toEqual({ kind: 'query_token', value: 't' });
  expect(read('ticket=t', {}).credential).toEqual({ kind: 'ticket', value: 't' });
  for (const query of ['token=t', 'ticket=t']) expect(codeOf(query)).toBe('invalid_request');
  expect(codeOf('token=a&token=b', {})).toBe('invalid_request');
  expect(codeOf('token=a&ticket=b', {})).toBe('invalid_request');
  for (const authorization of ['Bearer', 'Bearer a b', 'Bearer é'])
    expect(codeOf('', { authorization })).toBe('invalid_request');
  expect(codeOf('', {})).toBe('missing_credentials');
  expect(codeOf('token=', {})).toBe('missing_credentials');
});

it("a proxy's Basic credentials are ignored, alone and beside a credential of ours", () => {
  const basic = { authorization: 'Basic YTpi' };
  expect(codeOf('', basic)).toBe('missing_credentials');
  expect(read('token=t', basic).credential).toEqual({ kind: 'query_token', value: 't' });
  expect(read('ticket=t', basic).credential).toEqual({ kind: 'ticket', value: 't' });
  expect(read('', { ...basic, cookie: '__Host-tocsin_stream=abc.def' }).credential).toEqual({
    kind: 'cookie',
    value: 'abc.def',
  });
});

it('takes the cookie when there is no other credential', () => {
  const cookie = 'theme=dark; __Host-tocsin_stream=abc.def; x=y';
  expect(read('', { cookie }).credential).toEqual({ kind: 'cookie', value: 'abc.def' });
  expect(read('', { ...bearer, cookie }).credential.kind).toBe('bearer');
  expect(read('ticket=t', { cookie }).credential.kind).toBe('ticket');
  expect(codeOf('', { cookie: 'tocsin_stream=abc' })).toBe('missing_credentials');
});

it('takes every cursor that was sent, the one that is trusted most first: the header, what a polyfill appends, what the page wrote', () => {
  const starts: [string, Record<string, string>, string[]][] = [
    ['last_event_id=old', { 'last-event-id': 'new' }, ['new', 'old']],
    ['last_event_id=old', {}, ['old']],
    ['lastEventId=old&since=5', {}, ['old']],
    ['last_event_id=old&lastEventId=new', {}, ['new', 'old']],
    ['lastEventId=new&last_event_id=old', {}, ['new', 'old']],
    ['lastEventId=first&lastEventId=second', {}, ['second', 'first']],
    ['lastEventID=a', {}, ['a']],
    ['Last-Event-ID=b', {}, ['b']],
    ['last-event-id=c', {}, ['c']],
    ['LAST_EVENT_ID=d', {}, ['d']],
    [
      'last_event_id=a&Last-Event-ID=b&lastEventID=c&lastEventId=d',
      { 'last-event-id': 'e' },
      ['e', 'd', 'c', 'b', 'a'],
    ],
    ['last_event_id=&lastEventId=', { 'last-event-id': '' }, []],
    ['last_event_id=same&lastEventId=same', { 'last-event-id': 'same' }, ['same']],
  ];
  for (const [query, headers, texts] of starts) {
    const { start } = read(query, { ...bearer, ...headers });
    expect({ query, start }).toEqual({
      query,
      start: texts.length > 0 ? { kind: 'cursor', texts } : { kind: 'newest', count: 0 },
    });
  }
});

it('without a cursor starts where the parameters say', () => {
  expect(read('since=5').start).toEqual({ kind: 'newest', count: 5 });
  expect(read('since=2026-01-02T03:04:05Z').start).toEqual({ kind: 'time', time: new Date('2026-01-02T03:04:05Z') });
  expect(read('').start).toEqual({ kind: 'newest', count: 0 });
});

it('reads filters in any of their spellings', () => {
  expect(read('severity=URGENT,high&severity=low&type=alert&service=inventory, orders&tenant_id=a,b')).toMatchObject({
    filter: { severity: ['urgent', 'high', 'low'], type: ['alert'], service: ['inventory', 'orders'] },
    tenants: ['a', 'b'],
  });
  expect(read('event=message').form).toBe('nameless');
});

it('reads labels, each once, with the value whole', () => {
  expect(read('label.site=north&label.note=a,b%20c&label.empty=&labels=x&label=y').filter.labels).toEqual({
    site: 'north',
    note: 'a,b c',
    empty: '',
  });
  expect(Object.entries(read('label.__proto__=x').filter.labels!)).toEqual([['__proto__', 'x']]);
  expect(read('severity=low').filter.labels).toBeNull();
  const many = Array.from({ length: 33 }, (_, i) => `label.l${i}=x`).join('&');
  for (const query of [
    'label.=x',
    'label.a=1&label.a=2',
    'label.a=%00',
    `label.${'k'.repeat(101)}=x`,
    `label.a=${'v'.repeat(501)}`,
    many,
  ])
    expect(codeOf(query)).toBe('invalid_parameter');
});

it('ignores unknown parameters, since a 400 ends an EventSource, and refuses known ones with invalid values', () => {
  expect(codeOf('utm_source=x&foo')).toBe('accepted');
  for (const query of ['severity=loud', 'type=thing', 'since=501', 'since=-1', 'since=yesterday', 'since=2026-02-30'])
    expect(codeOf(query)).toBe('invalid_parameter');
});

it('answers only clients that accept an event stream', () => {
  for (const accept of ['text/event-stream', 'text/*', '*/*', 'text/html, */*;q=0.1'])
    expect(codeOf('', { ...bearer, accept })).toBe('accepted');
  expect(codeOf('', { ...bearer, accept: 'application/json' })).toBe('not_acceptable');
  expect(read('', { ...bearer, accept: 'text/event-stream' }).namesEventStream).toBe(true);
  expect(read('', { ...bearer, accept: '*/*' }).namesEventStream).toBe(false);
});

it.each<[string | undefined, boolean]>([
  [undefined, false],
  ['', false],
  ['identity', false],
  ['br, zstd', false],
  ['gzipped', false],
  ['gzip', true],
  ['gzip, deflate, br, zstd', true],
  ['deflate , GZIP ; Q=0.2', true],
  ['x-gzip', true],
  ['*', true],
  ['br, *;q=0.1', true],
  ['gzip;q=0', false],
  ['gzip; q=0.000, br', false],
  ['*, gzip;q=0', false],
  ['*;q=0', false],
  ['gzip;q=much', false],
])('Accept-Encoding %j admits gzip: %s', (encoding, admits) => {
  expect(read('', encoding === undefined ? bearer : { ...bearer, 'accept-encoding': encoding }).acceptsGzip).toBe(
    admits,
  );
});
