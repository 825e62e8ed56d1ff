import addressparser from 'nodemailer/lib/addressparser';
import { setting } from '@tocsin/settings';
import { z } from 'zod';

/** The sender in two forms: as the header From shows it, and the address alone. */
export interface Sender {
  name: string;
  address: string;
  /** The part after the @. Message ids end in it. */
  domain: string;
}

/** The one address of a text such as `Tocsin <alerts@example.com>`; undefined when it is not exactly one. */
function senderOf(text: string): Sender | undefined {
  const [only, ...more] = /\p{Cc}/u.test(text) ? [] : addressparser(text, { flatten: true });
  const [, domain] = /^[^\s@<>",;]+@([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)$/.exec(only?.address ?? '') ?? [];
  return only && domain && more.length === 0 ? { name: only.name, address: only.address, domain } : undefined;
}

const MAIL_SERVER = z
  .string()
  .refine(
    (url) => URL.canParse(url) && /^smtps?:$/.test(new URL(url).protocol) && new URL(url).hostname !== '',
    'it must be an smtp:// or smtps:// address',
  );

/** The settings of e-mail. */
export const emailSettings = {
  SMTP_URL: setting(MAIL_SERVER.optional(), {
    description:
      'The mail server: smtp://user:password@host:587 (encrypted by STARTTLS, which a password requires except on ' +
      'this machine) or smtps://host:465. Unset: no e-mail; the standalone writes .eml files to DATA_DIR/outbox.',
    secret: true,
    example: 'smtp://user:password@mail.example.com:587',
  }),
  MAIL_FROM: setting(
    z
      .string()
      .default('Tocsin <tocsin@localhost>')
      .transform((text, context) => {
        const sender = senderOf(text);
        if (sender) return sender;
        context.addIssue({ code: 'custom', message: 'it must be one address, such as Tocsin <alerts@example.com>' });
        return z.NEVER;
      }),
    {
      description:
        'The sender of e-mail: one address, with or without a name. The mail server must accept it as a ' +
        'sender. Message ids end in its domain.',
      example: 'Tocsin <alerts@example.com>',
    },
  ),
};

/** Settings of e-mail that contradict each other, one sentence each. */
export const emailContradictions = ({ SMTP_URL, MAIL_FROM }: { SMTP_URL?: string; MAIL_FROM: Sender }): string[] =>
  SMTP_URL && MAIL_FROM.domain === 'localhost' && !isThisMachine(new URL(SMTP_URL).hostname)
    ? ['MAIL_FROM is needed beside SMTP_URL: mail servers accept no mail from localhost.']
    : [];

/** Whether a host is the machine that we run on. */
export const isThisMachine = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/i.test(host);
