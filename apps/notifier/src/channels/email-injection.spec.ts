import { simpleParser, type ParsedMail } from 'mailparser';
import { SignedLinks } from '@tocsin/auth';
import type { ClaimedDelivery, NotificationContent } from '@tocsin/contracts';
import { anEntry } from '@tocsin/contracts/testing';
import { aDelivery } from '../testing/memory-queue';
import { SmtpSink } from '../testing/smtp-sink';
import { EmailChannel } from './email.channel';

// What hostile texts become on their way over SMTP, as another library reads the mails.

const SENDER = { name: 'Tocsin', address: 'alerts@tocsin.test', domain: 'tocsin.test' };
const links = new SignedLinks({ read: () => Promise.resolve('k'.repeat(64)) });

const RIGHT_TO_LEFT = '\u202e';
const inBase64 = (text: string) => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
/** What a producer may write into any text; each is one line for the API of notifications, or ends up as one. */
const HOSTILE: readonly string[] = [
  'a\r\nBcc: canary@evil.test',
  'a\r\n\r\n<b>canary</b>',
  'a\u2028Bcc: canary@evil.test',
  'a\r\n.\r\nMAIL FROM:<canary@evil.test>\r\nRCPT TO:<canary@evil.test>\r\nDATA',
  '.\r\n.',
  'From canary@evil.test Thu Jan  1 00:00:00 1970',
  // encoded words: ASCII that a mail program decodes
  '=?utf-8?Q?a=0D=0ABcc:_canary@evil.test?=',
  inBase64('a\r\nBcc: canary@evil.test'),
  inBase64(`invoice${RIGHT_TO_LEFT}fdp.exe`),
  `paid =?utf-8?Q?=E2=80=AE?= exe =?iso-8859-1?q?=A0?=`,
  '=?us-ascii?Q?[LOW]?= =?us-ascii?Q?_all_is_well?=',
  '=?',
  'a"; filename="x.exe',
  '--_NmP-boundary--',
  'x'.repeat(10_000),
  `${'\u00e4'.repeat(300)} ${'\u{1f525}'.repeat(300)}`,
];

let sink: SmtpSink;
let channel: EmailChannel;
beforeAll(async () => {
  sink = await new SmtpSink({ hidePIPELINING: true }).listen();
  const settings = { SMTP_URL: `smtp://127.0.0.1:${sink.port}`, MAIL_FROM: SENDER, PUBLIC_URL: 'https://tocsin.test' };
  channel = new EmailChannel(settings, links, { has: () => Promise.resolve(false) });
});
afterAll(async () => {
  await channel?.close();
  await sink?.close();
});
beforeEach(() => {
  sink.accepted.length = 0;
  sink.transcript.length = 0;
});

const ofAlert = (text: string): Partial<ClaimedDelivery> => ({
  entry: anEntry({
    title: text,
    message: text,
    service: text as never,
    name: text,
    assignee: text,
    labels: { [text]: text },
    actions: [{ label: text, url: 'https://example.com/' }],
  }),
});
const ofNotification = (text: string): Partial<ClaimedDelivery> => ({
  entry: null,
  notification: {
    notification_id: 'n',
    title: text,
    message: text,
    severity: 'low',
    digest_of: null,
  } satisfies NotificationContent as never,
});

async function sent(said: Partial<ClaimedDelivery>): Promise<{ mail: ParsedMail; raw: string; commands: string[] }> {
  const delivery = aDelivery({ channel: 'email', recipient: 'ana@example.test', ...said });
  expect(await channel.send(delivery, new AbortController().signal)).toMatchObject({ outcome: 'sent' });
  expect(sink.accepted).toHaveLength(1);
  const commands = sink.transcript.filter((line) => /^C: (?!EHLO)/.test(line));
  return { mail: await simpleParser(sink.accepted[0]!), raw: sink.accepted[0]!.toString('latin1'), commands };
}
const namesOf = ({ headers }: ParsedMail) => [...headers.keys()].sort();

describe.each([
  ['an alert', ofAlert],
  ['a notification', ofNotification],
] as const)('%s', (_kind, saying) => {
  it.each(HOSTILE.map((text) => [JSON.stringify(text).slice(0, 60), text] as const))(
    '%s is one mail to one recipient, with the headers and the shape of a harmless one',
    async (_name, text) => {
      const harmless = await sent(saying('a'));
      sink.accepted.length = 0;
      sink.transcript.length = 0;
      const { mail, raw, commands } = await sent(saying(text));
      expect(commands).toEqual([
        'C: MAIL FROM:<alerts@tocsin.test>',
        'C: RCPT TO:<ana@example.test>',
        'C: DATA',
        expect.stringMatching(/^C: <\d+ bytes of DATA>$/),
      ]);
      expect(namesOf(mail)).toEqual(namesOf(harmless.mail));
      expect([mail.to, mail.from, mail.cc, mail.bcc]).toEqual([
        harmless.mail.to,
        harmless.mail.from,
        undefined,
        undefined,
      ]);
      expect(mail.attachments).toEqual([]);
      // no line is longer than SMTP allows (RFC 5321, 4.5.3.1.6), and none ends in a bare CR or LF
      expect(raw.split('\r\n').every((line) => line.length <= 998 && !/[\r\n]/.test(line))).toBe(true);
    },
  );

  it.each(HOSTILE.filter((text) => text.includes('=?')))('%s is read as it was written', async (text) => {
    const { mail } = await sent(saying(text));
    expect(mail.subject).toContain(text.replace(/[\r\n]+/g, ' '));
    expect(mail.subject).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});
