import type { ClaimedDelivery } from '@tocsin/contracts';
import { anEntry, aTenant } from '@tocsin/contracts/testing';
import { WEBHOOK_FORMATS, type WebhookFormat } from '@tocsin/contracts/wire';
import { formatOfHost, PAYLOAD_FORMATS, type Payload } from './payload-formats';

const PAGE = 'https://tocsin.example.com';
const entry = anEntry({ message: 'Only 2 kg left', alert_id: '0193-a' });
const aDelivery = (overrides: Partial<ClaimedDelivery> = {}): ClaimedDelivery => ({
  tenant_id: aTenant('bakery'),
  delivery_id: '5f0c9a52-0000-4000-8000-000000000001',
  channel: 'webhook',
  recipient: '',
  attempt: 1,
  created_at: '2026-01-02T03:04:06.000Z',
  first_due_at: '2026-01-02T03:04:07.000Z',
  entry,
  notification: null,
  ...overrides,
});
const ADDRESSES: Record<WebhookFormat, string> = {
  standard: 'https://hooks.example.com/a',
  slack: 'https://hooks.slack.com/services/T0/B0/x',
  teams: 'https://prod-1.westeurope.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sig=x',
  telegram: 'https://api.telegram.org/bot1:x/sendMessage?chat_id=-100&message_thread_id=7',
  ntfy: 'https://ntfy.sh/bakery-alerts',
};
const write = (format: WebhookFormat, delivery = aDelivery(), address = ADDRESSES[format]) => {
  const payload = PAYLOAD_FORMATS[format].write(delivery, new URL(address), PAGE);
  if ('fault' in payload) throw new Error(payload.fault);
  return { ...payload, json: JSON.parse(payload.body) as never };
};
const notification = {
  notification_id: 'n-1',
  title: 'Backup tonight',
  message: null,
  severity: 'low' as const,
  digest_of: null,
};
const aNotification = aDelivery({ entry: null, notification });

test.each(WEBHOOK_FORMATS)(
  '%s is the format of its well-known hosts, and of no host that only looks like one',
  (format) => {
    expect(formatOfHost(new URL(ADDRESSES[format]).hostname)).toBe(format);
    expect(formatOfHost(`${new URL(ADDRESSES[format]).hostname}.example.com`)).toBe('standard');
    expect(formatOfHost(`evil-${new URL(ADDRESSES.slack).hostname}`)).toBe('standard');
  },
);

test('standard: a type, a time and the entry as it is everywhere; the same bytes in every attempt', () => {
  const { json, body, headers } = write('standard');
  expect(json).toEqual({
    type: 'alert.raised',
    timestamp: entry.received_at,
    delivery_id: '5f0c9a52-0000-4000-8000-000000000001',
    data: entry,
  });
  expect(headers).toEqual({ 'content-type': 'application/json' });
  expect(write('standard', aDelivery({ attempt: 4 })).body).toBe(body);
  expect(write('standard', aNotification).json).toMatchObject({
    type: 'notification',
    timestamp: '2026-01-02T03:04:07.000Z',
    data: notification,
  });
});

/** What the markup of a chat would make of a text, which is to be shown as it is. */
const MARKUP = [
  '<!channel> <!here|x> <@U1> <#C1> <!subteam^S1> <https://evil.test|y>',
  '@channel @here @everyone #general /remind',
  '*bold* _italic_ ~struck~ `code` ```\nblock\n``` > quote\n> quote\n# title\n- list',
  '[words](https://evil.test) ![x](https://evil.test/x.png) <at>Ana</at> **bold**',
  '<b>bold</b> <a href="https://evil.test">x</a> <script>canary()</script>',
  '\u202eright to left\u2066 \u0000\u001b[2J',
];
describe.each(MARKUP)('of a text such as %j', (text) => {
  const hostile = aDelivery({
    entry: anEntry({
      title: text,
      message: text,
      labels: { [text]: text },
      actions: [{ label: text, url: 'https://example.com/' }],
    }),
  });
  type Json = Record<string, unknown>;
  const everyObject = (value: unknown): Json[] =>
    typeof value !== 'object' || value === null
      ? []
      : [value as Json, ...Object.values(value as Json).flatMap(everyObject)];
  /** The same payload with all of its texts left out. */
  const shape = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(shape)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value).map(([name, one]) => [
              name,
              ['text', 'title', 'message'].includes(name) && typeof one === 'string' ? '' : shape(one),
            ]),
          )
        : value;

  test('slack shows every text of the alert as plain text; only the words of a link are escaped Markdown', () => {
    const objects = everyObject(write('slack', hostile).json);
    const plain = objects.filter(({ type }) => type === 'plain_text');
    const marked = objects.filter(({ type }) => type === 'mrkdwn');
    expect(plain.length).toBeGreaterThanOrEqual(4);
    for (const one of plain)
      expect(one).toMatchObject({ emoji: false, text: expect.not.stringMatching(/[<>]/) as string });
    for (const one of marked)
      expect(one).toMatchObject({
        verbatim: true,
        text: expect.stringMatching(/^<https:[^<>|]+\|[^<>|]+>$/) as string,
      });
  });

  test('teams has it in text runs, which are no Markdown, and mentions nobody', () => {
    const { json } = write('teams', hostile);
    const objects = everyObject(json);
    expect(objects.filter(({ type }) => type === 'TextBlock')).toEqual([]);
    expect(JSON.stringify(json)).not.toContain('"entities"');
    expect(objects.filter(({ type }) => type === 'TextRun').length).toBeGreaterThanOrEqual(3);
  });

  test('telegram and ntfy are asked for no markup', () => {
    const names = (format: WebhookFormat) => Object.keys(write(format, hostile).json as Json);
    expect(names('telegram')).not.toEqual(expect.arrayContaining(['parse_mode']));
    expect(names('telegram')).not.toEqual(expect.arrayContaining(['entities']));
    expect(names('ntfy')).not.toEqual(expect.arrayContaining(['markdown']));
  });

  test.each(WEBHOOK_FORMATS.filter((format) => format !== 'teams' && format !== 'standard'))(
    '%s has the same structure as of a harmless one, and no character that cannot be seen',
    (format) => {
      const harmless = aDelivery({
        entry: anEntry({
          title: 'a',
          message: 'a',
          labels: { a: 'a' },
          actions: [{ label: 'a', url: 'https://example.com/' }],
        }),
      });
      const [one, other] = [write(format, hostile), write(format, harmless)];
      expect(one.headers).toEqual(other.headers);
      const alike = (json: unknown) =>
        JSON.stringify(shape(json))
          .replace(/alert=[^"|]*/g, '')
          .replace('"section"', '"header"');
      expect(alike(one.json)).toBe(alike(other.json));
      expect(JSON.stringify(one.json)).not.toMatch(/[\u202e\u2066]|\\u0000|\\u001b/);
    },
  );
});

test('slack: blocks in which no text is a link, a mention or a command', () => {
  const { json } = write(
    'slack',
    aDelivery({ entry: anEntry({ title: '<!channel> & <https://x|y>', message: '<@U1>' }) }),
  );
  const text = JSON.stringify(json);
  expect(text).toContain('&lt;!channel&gt; &amp; &lt;https://x|y&gt;');
  expect(text).toContain('&lt;@U1&gt;');
  expect(text).not.toMatch(/<[!@#]/);
  expect(text).toContain(`<${PAGE}/?alert=`);
  expect(write('slack', aNotification).json).toMatchObject({
    text: expect.stringContaining('Backup tonight') as string,
  });
});

test('teams: an Adaptive Card for a workflow, in which no text is read as Markdown', () => {
  const { json } = write('teams', aDelivery({ entry: anEntry({ title: '[here](https://x) **now**' }) }));
  const { type, attachments } = json as { type: string; attachments: { contentType: string; content: Card }[] };
  interface Card {
    type: string;
    body: { type: string; inlines: { type: string; text: string }[] }[];
    actions: { type: string; url: string }[];
  }
  expect(type).toBe('message');
  expect(attachments[0]).toMatchObject({ contentType: 'application/vnd.microsoft.card.adaptive' });
  const { content } = attachments[0]!;
  expect(new Set(content.body.map((block) => block.type))).toEqual(new Set(['RichTextBlock']));
  expect(content.body[0]!.inlines[0]!.text).toContain('[here](https://x) **now**');
  expect(content.actions.map(({ url }) => url)).toEqual([
    expect.stringContaining(`${PAGE}/?alert=`),
    'https://example.com/order',
  ]);
});

test('telegram: the chat is in the body and not in the address, and nothing is parsed', () => {
  const { json, url } = write('telegram');
  expect(url!.href).toBe('https://api.telegram.org/bot1:x/sendMessage');
  expect(json).toMatchObject({ chat_id: '-100', message_thread_id: 7, disable_notification: false });
  expect(json).not.toHaveProperty('parse_mode');
  expect((json as { text: string }).text).toMatch(/Flour is running low[^]*Only 2 kg left[^]*Service: inventory/);
  expect(
    PAYLOAD_FORMATS.telegram.write(aDelivery(), new URL('https://api.telegram.org/bot1:x/sendMessage'), PAGE),
  ).toEqual({ reason: 'invalid_recipient', fault: expect.stringContaining('chat_id') as string });
});

test('ntfy: JSON to the root of the server, with a topic and a priority', () => {
  const { json, url } = write('ntfy', aDelivery(), 'https://ntfy.example.com/behind/bakery-alerts?auth=x');
  expect(url!.href).toBe('https://ntfy.example.com/behind/?auth=x');
  expect(json).toMatchObject({
    topic: 'bakery-alerts',
    title: expect.stringContaining('Flour is running low') as string,
    message: expect.stringContaining('Only 2 kg left') as string,
    priority: 5,
    tags: ['urgent'],
    click: `${PAGE}/?alert=0193-a`,
  });
  expect(write('ntfy', aNotification).json).toMatchObject({ priority: 2, message: 'Tenant: bakery' });
  expect(PAYLOAD_FORMATS.ntfy.write(aDelivery(), new URL('https://ntfy.sh/'), PAGE)).toHaveProperty('fault');
});

// the longest that a producer may send, in characters that grow when they are escaped or encoded
const LONGEST = ['&', '<', '"', '\\', '語', '😀', '\n', 'a\u0301', '\u202e*_`~[]()'].map((of) =>
  anEntry({
    title: of.repeat(300).slice(0, 300),
    message: of.repeat(10_000).slice(0, 10_000),
    service: of.repeat(128).slice(0, 128),
    labels: Object.fromEntries(
      Array.from({ length: 64 }, (_, n) => [`${n}${of.repeat(60)}`.slice(0, 64), of.repeat(256).slice(0, 256)]),
    ),
    actions: Array.from({ length: 10 }, (_, n) => ({
      label: of.repeat(80),
      url: `https://x.example/${n}?q=${'|<>'.repeat(600)}`,
    })),
  }),
);
const lengthsOf: Record<Exclude<WebhookFormat, 'standard'>, (payload: Payload) => [length: number, most: number][]> = {
  slack: ({ body }) => {
    const { text, blocks } = JSON.parse(body) as {
      text: string;
      blocks: { text?: { text: string }; fields?: { text: string }[]; elements?: { text: string }[] }[];
    };
    return [
      [text.length, 3_000],
      [blocks.length, 50],
      ...blocks.flatMap((block): [number, number][] => [
        [block.text?.text.length ?? 1, 3_000],
        [block.fields?.length ?? 1, 10],
        [block.elements?.length ?? 1, 10],
        ...(block.fields ?? []).map((field): [number, number] => [field.text.length, 2_000]),
        ...(block.elements ?? []).map((element): [number, number] => [element.text.length, 3_000]),
      ]),
    ];
  },
  teams: ({ body }) => [[Buffer.byteLength(body), 28 * 1024]],
  telegram: ({ body }) => [[(JSON.parse(body) as { text: string }).text.length, 4_096]],
  ntfy: ({ body }) => [[Buffer.byteLength((JSON.parse(body) as { message: string }).message), 4_096]],
};
test.each(Object.entries(lengthsOf))('%s stays within its limits for any text of a producer', (format, lengths) => {
  for (const longest of LONGEST)
    for (const [length, most] of lengths(write(format as WebhookFormat, aDelivery({ entry: longest })))) {
      expect(length).toBeGreaterThan(0);
      expect(length).toBeLessThanOrEqual(most);
    }
});

test('what a provider says in the body of a 200 counts', () => {
  const { slack, teams, telegram, standard, ntfy } = PAYLOAD_FORMATS;
  expect(slack.verdictOf!('ok')).toBeUndefined();
  expect(slack.verdictOf!('{"ok":false,"error":"ratelimited"}')).toEqual({ status: 429 });
  expect(telegram.verdictOf!('{"ok":true,"result":{}}')).toBeUndefined();
  expect(
    telegram.verdictOf!(
      '{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":7}}',
    ),
  ).toEqual({ status: 429, retryAfterMs: 7_000 });
  expect(telegram.verdictOf!('{"ok":false}')).toEqual({ status: 400 });
  expect(teams.verdictOf!('1')).toBeUndefined();
  expect(
    teams.verdictOf!(
      'Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x',
    ),
  ).toEqual({ status: 429 });
  expect([standard.verdictOf, ntfy.verdictOf]).toEqual([undefined, undefined]);
});
