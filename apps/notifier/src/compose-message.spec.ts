import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { simpleParser } from 'mailparser';
import MailComposer from 'nodemailer/lib/mail-composer';
import { anEntry, aTenant } from '@tocsin/contracts/testing';
import type { ClaimedDelivery, NotificationContent } from '@tocsin/contracts';
import type { Entry } from '@tocsin/contracts/wire';
import { composeMessage, type MessageLinks } from './compose-message';

const LINKS: MessageLinks = {
  publicUrl: 'https://tocsin.example.com',
  acknowledge: 'https://tocsin.example.com/a/signed',
  unsubscribe: 'https://tocsin.example.com/u/signed',
};

const delivery = (subject: Pick<ClaimedDelivery, 'entry' | 'notification'>): ClaimedDelivery => ({
  ...subject,
  tenant_id: aTenant('bakery'),
  delivery_id: randomUUID(),
  channel: 'email',
  recipient: 'ana@example.test',
  attempt: 1,
  created_at: '2026-01-02T03:04:06.000Z',
  first_due_at: '2026-01-02T03:04:06.000Z',
});
const ofEntry = (overrides: Partial<Entry> = {}, links = LINKS) =>
  composeMessage(delivery({ entry: anEntry(overrides), notification: null }), links);
const ofNotification = (overrides: Partial<NotificationContent> = {}, links = LINKS) =>
  composeMessage(
    delivery({
      entry: null,
      notification: {
        notification_id: randomUUID(),
        title: 'Invoices are due',
        message: 'Three of them',
        severity: 'medium',
        digest_of: null,
        ...overrides,
      },
    }),
    links,
  );

describe('a composed message', () => {
  it('an alert has severity, title and service in its subject, and everything in its text', () => {
    const { subject, text, short } = ofEntry({
      alert_id: '0192',
      message: 'Only 2 kg left',
      occurrences: 3,
      labels: { site: 'north' },
      occurred_at: '2026-01-02T03:04:05.678Z',
    });
    expect(subject).toBe('[URGENT] Flour is running low · inventory');
    expect(text).toBe(`URGENT: Flour is running low

Only 2 kg left

Service: inventory
Name: low_stock
Tenant: bakery
Time: 2 January 2026 at 03:04:05 UTC
Seen: 3 times since 2 January 2026 at 03:04:06 UTC
site = north

Acknowledge: https://tocsin.example.com/a/signed
Open: https://tocsin.example.com/?alert=0192
Order: https://example.com/order

-- 
No more of these mails: https://tocsin.example.com/u/signed
`);
    expect(short).toBe(
      'URGENT: Flour is running low (inventory): Only 2 kg left https://tocsin.example.com/?alert=0192',
    );
  });

  it.each([
    [{ change: 'reopened' }, 'URGENT · re-opened', 'It was resolved and fires again.'],
    [
      { change: 'severity_raised', previous: { status: 'firing', severity: 'low' } },
      'URGENT · was low',
      'Its severity was low before.',
    ],
    [{ change: 'unsnoozed' }, 'URGENT · snooze ended', 'Its snooze is over, and it still fires.'],
  ] as const)('what happened is said in brackets: %j', (overrides, words, sentence) => {
    const { subject, text, html } = ofEntry(overrides);
    expect(subject).toBe(`[${words}] Flour is running low · inventory`);
    expect(text).toMatch(new RegExp(`^${sentence}`));
    expect(html).toContain(sentence);
  });

  it('a notification has no service and no alert to acknowledge, and a digest says of how many it is', () => {
    const one = ofNotification();
    expect(one.subject).toBe('[MEDIUM] Invoices are due');
    expect(one.text).not.toContain('/a/signed');
    expect(one.html).not.toContain('/a/signed');
    const digest = ofNotification({ digest_of: 12 });
    expect(digest.subject).toBe('[MEDIUM · 12 notifications] Invoices are due');
    expect(digest.text).toMatch(/^A digest of 12 notifications\./);
  });

  it('without a public address nothing is linked but what the producer offers', () => {
    const { text, html, short } = ofEntry({}, {});
    expect(short).not.toContain('http');
    expect(text.match(/https?:\S+/g)).toEqual(['https://example.com/order']);
    expect(html.match(/href="[^"]*"/g)).toEqual(['href="https://example.com/order"']);
  });

  it('a label may have the name of what the engine has built in', () => {
    const { text, html } = ofEntry({ labels: { size: 'large', first: '1st', last: 'z', length: '9' } });
    for (const [name, value] of Object.entries({ size: 'large', first: '1st', last: 'z', length: '9' })) {
      expect(text).toContain(`${name} = ${value}`);
      expect(html).toContain(`>${value}</td>`);
    }
  });

  it('a message of 8,000 characters is whole in the mail and cut in the short text, whose link stays whole', () => {
    const { text, html, short } = ofEntry({ alert_id: '0192', title: 'x'.repeat(300), message: '🧁'.repeat(4_000) });
    expect(text).toContain('🧁'.repeat(4_000));
    expect(html).toContain('🧁'.repeat(4_000));
    expect(short.length).toBeLessThanOrEqual(320);
    expect(short).toMatch(/… \(inventory\) https:\/\/tocsin\.example\.com\/\?alert=0192$/);
    const cut = ofEntry({ alert_id: '0192', message: '👩‍🍳'.repeat(1_000) }).short;
    expect(cut.length).toBeLessThanOrEqual(320);
    expect(cut).toMatch(/low \(inventory\): (👩‍🍳)+… https/);
  });
});

/** Hostile values for any text of a message. */
const HOSTILE: readonly string[] = [
  'a\r\nBcc: canary@evil.test',
  'a\nBcc: canary@evil.test',
  'a\rBcc: canary@evil.test',
  'a\r\n\r\n<b>canary</b>',
  'a\u2028Bcc: canary@evil.test',
  'a\u2029Bcc: canary@evil.test',
  'a\u0085Bcc: canary@evil.test',
  'a\vBcc: canary@evil.test\f',
  'a\0Bcc: canary@evil.test',
  'a\r\n.\r\nMAIL FROM:<canary@evil.test>',
  'a\r\n--boundary\r\nContent-Type: text/html',
  'a%0d%0aBcc: canary@evil.test',
  '=?utf-8?Q?a=0D=0ABcc:_canary@evil.test?=',
  '=?utf-8?B?YQ0KQmNjOiBjYW5hcnlAZXZpbC50ZXN0?=',
  '<script>canary()</script>',
  '<img src=x onerror=canary()>',
  '"><svg onload=canary()>',
  `' onmouseover='canary()`,
  '</title><script>canary()</script>',
  '</style><script>canary()</script>',
  '<!--<script>canary()</script>-->',
  ']]><script>canary()</script>',
  '&lt;script&gt;canary()&lt;/script&gt;',
  '<a href="javascript:canary()">x</a>',
  '<iframe srcdoc="<script>canary()</script>">',
  '<meta http-equiv="refresh" content="0;url=https://canary.evil.test">',
  '<form action="https://canary.evil.test"><input name=password>',
  '<style>@import "https://canary.evil.test"</style>',
  '<plaintext>',
  '{{ subject }}{% raw %}{{ "<b>canary</b>" }}',
  '{% include "/etc/passwd" %}',
  '{{ "<b>canary</b>" | raw }}',
  '${canary}#{canary}<%= canary %>',
  'invoice\u202efdp.exe',
  '\u2066a\u2069\u200f\u061c',
  'p\u200ba\u200by\u2060pal\ufeff',
  'e' + '\u0301'.repeat(500),
  '\ud800 lone \udc00',
  '\x1b[2J\x1b]0;canary\x07',
  '\u{e0041}\u{e0042}tagged',
];
const HARMFUL = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

it('the corpus has at least 30 texts', () => expect(HOSTILE.length).toBeGreaterThanOrEqual(30));

describe.each(HOSTILE.map((text) => [JSON.stringify(text), text] as const))('%s', (_, hostile) => {
  const everywhere = (): Partial<Entry> => ({
    alert_id: '0192',
    title: hostile,
    message: hostile,
    service: hostile,
    name: hostile,
    assignee: hostile,
    labels: { [hostile]: hostile },
    actions: [
      { label: hostile, url: 'https://example.com/' },
      { label: 'x', url: `https://example.com/${hostile}` },
      { label: 'x', url: hostile },
    ],
  });

  it('begins no header and no line where one line is expected', () => {
    for (const { subject, short, text } of [
      ofEntry(everywhere()),
      ofNotification({ title: hostile, message: hostile }),
    ]) {
      expect(subject).not.toMatch(HARMFUL);
      expect(short).not.toMatch(HARMFUL);
      expect(text.replaceAll('\n', '')).not.toMatch(HARMFUL);
    }
  });

  it('adds no element, no attribute and no address to the HTML', () => {
    const shape = (html: string) =>
      html
        .replace(/<title>[^<]*<\/title>/, '')
        .replace(/>[^<]*</g, '><')
        .match(/<[^>]*>/g)!
        .map((tag) => tag.replace(/href="https:\/\/example\.com\/[^"<>]*"/, 'href="https://example.com/"'));
    const said = everywhere();
    expect(shape(ofEntry(said).html)).toEqual(shape(ofEntry({ ...said, ...harmless(said) }).html));
  });

  it('arrives in a mail with the headers of a harmless one', async () => {
    const composed = ofEntry(everywhere());
    const raw = await buffer(
      new MailComposer({ from: 'a@example.test', to: 'b@example.test', ...composed }).compile().createReadStream(),
    );
    const mail = await simpleParser(raw);
    expect([...mail.headers.keys()].sort()).toEqual([
      'content-type',
      'date',
      'from',
      'message-id',
      'mime-version',
      'subject',
      'to',
    ]);
    expect(mail.subject).toBe(composed.subject);
    expect(mail.attachments).toEqual([]);
  });
});

/** The same number of fields, with harmless texts. */
function harmless({ actions }: Partial<Entry>): Partial<Entry> {
  const kept = actions!.filter(({ url }) => URL.canParse(url!) && /^https?:$/.test(new URL(url!).protocol));
  return {
    title: 'a',
    message: 'a',
    service: 'a',
    name: 'a',
    assignee: 'a',
    labels: { a: 'a' },
    actions: kept.map(() => ({ label: 'a', url: 'https://example.com/' })),
  };
}

it.each([
  'javascript:alert(1)',
  ' javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:x',
  'file:///etc/passwd',
  'ftp://example.com/',
  'blob:https://example.com/x',
  '//example.com/x',
  '/relative',
  'mailto:x@example.com',
  'https://user:secret@example.com/',
  'https://good.example.com@evil.test/',
])('%j becomes no link', (url) => {
  const { text, html } = ofEntry({ actions: [{ label: 'Order', url }] }, {});
  expect(html).not.toContain('href=');
  expect(text).not.toContain('Order');
});

it('the host of an action stands beside its words, so that words cannot name another', () => {
  const { html } = ofEntry({ actions: [{ label: 'bank.example.com', url: 'https://evil.test/x?"><b>' }] }, {});
  expect(html).toContain('href="https://evil.test/x?%22%3E%3Cb%3E"');
  expect(html).toContain('bank.example.com</a> (evil.test)');
});
