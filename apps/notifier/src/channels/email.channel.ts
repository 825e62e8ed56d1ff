import type { Readable } from 'node:stream';
import { createTransport, type Transporter } from 'nodemailer';
import type { SignedLinks } from '@tocsin/auth';
import { Unavailable, type ClaimedDelivery, type SendOutcome } from '@tocsin/contracts';
import type { Unsubscribes } from '@tocsin/contracts/ports';
import { ComposeMail, TemplateFailed, type MailSettings } from './compose-mail';
import { DeliveryChannel, storeAway, type ChannelLimits } from './delivery-channel';
import { isThisMachine } from './email-settings';
import { answerOf, smtpOutcome } from './smtp-outcome';

/** The limits of e-mail. Each attempt that runs has its own connection, and no mail is sent that is over a day old. */
export const EMAIL_LIMITS: ChannelLimits = { concurrency: 5, timeoutMs: 25_000, expiresAfterMs: 24 * 3_600_000 };

/**
 * The timeout of each step, in milliseconds. nodemailer's defaults are minutes. All of these are shorter than the
 * timeout of the attempt, so a silent server keeps no connection that the next mail would wait for.
 */
const STEPS = { dnsTimeout: 3_000, connectionTimeout: 5_000, greetingTimeout: 10_000, socketTimeout: 20_000 };
/** A connection is replaced after this many mails, because some servers refuse more. */
const MAILS_A_CONNECTION = 100;
/** How long an idle connection is kept, in milliseconds. Servers usually close one after five minutes. */
const IDLE_MS = 60_000;

/** An address that SMTP can carry: no blanks, no quotes, and nothing that separates addresses. */
const MAILBOX = /^[^\s\p{Cc}@<>()[\]\\,;:"]+@[^\s\p{Cc}@<>()[\]\\,;:"]+$/u;

/** The channel, where a mail server is configured. */
export const emailChannelFrom = (
  { SMTP_URL, MAIL_FROM, PUBLIC_URL }: Partial<EmailOptions> & MailSettings,
  { links, unsubscribes }: { links: Pick<SignedLinks, 'sign'>; unsubscribes: Pick<Unsubscribes, 'has'> },
): EmailChannel | undefined =>
  SMTP_URL === undefined ? undefined : new EmailChannel({ SMTP_URL, MAIL_FROM, PUBLIC_URL }, links, unsubscribes);

export interface EmailOptions extends MailSettings {
  SMTP_URL: string;
  /** Timeouts that replace `STEPS`, for tests. */
  steps?: Partial<typeof STEPS>;
}

/**
 * E-mail over SMTP, on connections that are kept open. At least once: every attempt has the same `Message-ID`, and a
 * mail whose reply was lost is sent again.
 *
 * The channel checks whether the recipient has unsubscribed when it sends, and not when the delivery is planned. So it
 * also respects an unsubscription that came after the planning, and the delivery is on record with this reason.
 */
export class EmailChannel extends DeliveryChannel {
  readonly channel = 'email';
  readonly promise = 'at_least_once';
  readonly limits = EMAIL_LIMITS;
  private readonly transport: Transporter;
  private readonly composeMail: ComposeMail;
  /** The contents of the mails that are under way, by their ids. */
  private readonly contents = new Map<string, Readable>();

  constructor(
    { SMTP_URL, steps, ...settings }: EmailOptions,
    links: Pick<SignedLinks, 'sign'>,
    private readonly unsubscribes: Pick<Unsubscribes, 'has'>,
  ) {
    super();
    this.composeMail = new ComposeMail(settings, links);
    const { hostname, username } = new URL(SMTP_URL);
    this.transport = createTransport({
      pool: true,
      maxConnections: EMAIL_LIMITS.concurrency,
      maxMessages: MAILS_A_CONNECTION,
      idleTimeout: IDLE_MS,
      // one attempt is one attempt: the retry policy decides about the next one, and each is on record
      maxRequeues: 0,
      // a password is not sent in the clear; `?requireTLS=false` in the address allows it
      requireTLS: username !== '' && !isThisMachine(hostname),
      disableFileAccess: true,
      disableUrlAccess: true,
      ...STEPS,
      ...steps,
      url: SMTP_URL,
    });
    this.keepContents();
  }

  async send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<SendOutcome> {
    const { tenant_id, channel, recipient: address } = delivery;
    if (!MAILBOX.test(address)) return { outcome: 'failed', reason: 'invalid_recipient', of: 'us' };
    let id = '';
    try {
      if (await this.unsubscribes.has({ tenant_id, channel, address }))
        return { outcome: 'failed', reason: 'unsubscribed', of: 'us' };
      const mail = await this.composeMail.of(delivery);
      id = mail.messageId;
      const { response } = (await this.transport.sendMail({ ...mail, signal })) as { response: string };
      return { outcome: 'sent', answer: answerOf(response) };
    } catch (error) {
      if (error instanceof TemplateFailed) return { outcome: 'failed', reason: 'template_failed', of: 'us' };
      if (error instanceof Unavailable) return storeAway(error);
      return smtpOutcome(error, this.contents.get(id)?.readableDidRead ?? false);
    } finally {
      this.contents.delete(id);
    }
  }

  /** Closes all connections; an attempt that is under way ends as `unknown` or `retry`. */
  override close(): Promise<void> {
    this.transport.close();
    return Promise.resolve();
  }

  /**
   * A connection that breaks and a server that falls silent are the same error at every step, so the error does not
   * tell whether the mail may have been accepted. Its content tells: nodemailer reads it when the server has answered
   * DATA.
   */
  private keepContents(): void {
    this.transport.use('stream', ({ data, message }, done) => {
      const make = message.createReadStream.bind(message);
      message.createReadStream = (options) => {
        const content = make(options);
        this.contents.set(data.messageId!, content);
        return content;
      };
      done();
    });
  }
}
