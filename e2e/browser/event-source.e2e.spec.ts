import type { Browser, Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { openBrowser } from '../kit/browser';
import { describeWith } from '../kit/programs';
import { SseParser } from '../kit/sse-parser';
import { ScriptedServer, streamOf } from './scripted-server';

type Heard = { event: string; data?: string; lastEventId?: string; state?: number };
const NAMES = ['message', 'alert', 'last'];
/** The last frame of every stream here: when it was heard, everything before it was heard too. */
const LAST = 'event: last\ndata: .\n\n';
/** How long a browser waits before it reconnects when the server set no `retry:`; Chromium waits 3 s. */
const DEFAULT_RETRY_MS = 3_000;
const CLOSED = 2;

describeWith('chromium', 'an EventSource of a browser, on which the gateway relies', () => {
  let browser: Browser;
  let server: ScriptedServer;
  let page: Page;
  beforeAll(async () => {
    server = await ScriptedServer.start();
    browser = await openBrowser();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    server.answers = [];
    server.asked.length = 0;
    page = await browser.newPage();
    await page.goto(server.origin);
  });
  afterEach(() => page?.close());

  const listen = () => page.evaluate(`listen('/stream', ${JSON.stringify(NAMES)})`);
  const heard = () => page.evaluate<Heard[]>('heard');

  // The parser that all other tests use for streams must read the same as a browser.
  it.each<[string, (string | Buffer)[], [string, string, string][]]>([
    ['LF ends a line', ['data: a\ndata: b\n\n'], [['message', 'a\nb', '']]],
    ['CR ends a line', ['data: a\rdata: b\r\r'], [['message', 'a\nb', '']]],
    ['CRLF ends a line, once', ['data: a\r\ndata: b\r\n\r\n'], [['message', 'a\nb', '']]],
    [
      'CRLF ends a line, once, also in two packets',
      ['data: a\r', '\ndata: b\r', '\n\r', '\n'],
      [['message', 'a\nb', '']],
    ],
    ['NUL in data is data', ['data: a\0b\n\n'], [['message', 'a\0b', '']]],
    [
      'an id with NUL is ignored',
      ['id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n'],
      [
        ['message', 'a', '1'],
        ['message', 'b', '1'],
      ],
    ],
    ['an id without data dispatches nothing, and counts', ['id: 7\n\ndata: a\n\n'], [['message', 'a', '7']]],
    [
      'an empty id clears the id',
      ['id: 7\ndata: a\n\nid\ndata: b\n\n'],
      [
        ['message', 'a', '7'],
        ['message', 'b', ''],
      ],
    ],
    ['an event without data is not dispatched', ['event: alert\n\ndata: a\n\n'], [['message', 'a', '']]],
    [
      'one blank in front of a value is not part of it',
      ['data:a\n\ndata:  b\n\n'],
      [
        ['message', 'a', ''],
        ['message', ' b', ''],
      ],
    ],
    ['comments and unknown fields are ignored', [': c\nfoo: bar\nevent: alert\ndata: a\n\n'], [['alert', 'a', '']]],
    [
      'no other character ends a line',
      ['data: a\u2028b\u2029c\u0085d\u000be\n\n'],
      [['message', 'a\u2028b\u2029c\u0085d\u000be', '']],
    ],
    [
      'a character may come in two packets',
      [Buffer.from('data: €').subarray(0, 7), Buffer.concat([Buffer.from('data: €').subarray(7), Buffer.from('\n\n')])],
      [['message', '€', '']],
    ],
  ])('reads as our own parser does: %s', async (_fact, pieces, expected) => {
    server.answers = [streamOf(...pieces, LAST)];
    await listen();
    await eventually(async () => expect((await heard()).at(-1)).toMatchObject({ event: 'last' }));
    const read = (await heard())
      .filter(({ event }) => !['open', 'last'].includes(event))
      .map(({ event, data, lastEventId }) => [event, data, lastEventId]);
    expect(read).toEqual(expected);

    const parser = new SseParser();
    for (const piece of pieces) parser.push(Buffer.from(piece));
    // a CR at the end of a packet may be half of a CRLF: the next byte will show
    parser.push(Buffer.from(LAST));
    const ours = parser.events
      .filter(({ event }) => event !== 'last')
      .map(({ event, data, lastEventId }) => [event, data, lastEventId]);
    expect(ours).toEqual(expected);
  });

  it('reconnects after the `retry:` that it was sent, with the id of a frame that had only an id', async () => {
    let endedAt = 0;
    server.answers = [
      (response) => {
        response.on('finish', () => (endedAt = performance.now()));
        response
          .writeHead(200, { 'Content-Type': 'text/event-stream' })
          .end('retry: 200\n\nid: first\ndata: a\n\nid: e-7-abcdefgh\n\n');
      },
    ];
    await listen();
    await eventually(() => expect(server.asked).toHaveLength(2));
    expect(server.asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, 'e-7-abcdefgh']);
    expect(server.asked[1]!.at - endedAt).toBeGreaterThanOrEqual(190);
    expect(server.asked[1]!.at - endedAt).toBeLessThan(DEFAULT_RETRY_MS);
    expect((await heard()).filter(({ event }) => event === 'message').map(({ data }) => data)).toEqual(['a']);
  });

  it('does not dispatch an incomplete frame, and does not take its id', async () => {
    server.answers = [
      (response) =>
        void response
          .writeHead(200, { 'Content-Type': 'text/event-stream' })
          .end('retry: 50\n\nid: 1\ndata: whole\n\nid: 2\ndata: cut\n'),
    ];
    await listen();
    await eventually(() => expect(server.asked).toHaveLength(2));
    expect(server.asked[1]!.lastEventId).toBe('1');
    expect((await heard()).filter(({ event }) => event === 'message').map(({ data }) => data)).toEqual(['whole']);
  });

  it.each([204, 400, 401, 429, 503])(
    'gives up for good at a status %i, which is why a temporary refusal is sent as a stream',
    async (status) => {
      server.answers = [(response) => void response.writeHead(status, { 'Retry-After': '0' }).end()];
      await listen();
      await eventually(async () => expect(await heard()).toEqual([{ event: 'error', state: CLOSED }]));
      expect(server.asked).toHaveLength(1);
    },
  );
});
