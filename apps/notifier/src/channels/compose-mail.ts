import type { SendMailOptions } from 'nodemailer';
import { encodeWord } from 'nodemailer/lib/mime-funcs';
import type { SignedLinks } from '@tocsin/auth';
import type { ClaimedDelivery } from '@tocsin/contracts';
import { composeMessage, type MessageLinks } from '../compose-message';
import type { Sender } from './email-settings';

/** A mail as nodemailer takes it, with its id and with its words as people read them. */
export type ComposedMail = SendMailOptions & {
  messageId: string;
  words: { subject: string; text: string; html: string };
};

/** The longest encoded word, in characters: that of nodemailer, with room for the name of the header. */
const MAX_ENCODED_WORD = 52;

export interface MailSettings {
  MAIL_FROM: Sender;
  PUBLIC_URL?: string | undefined;
}

/**
 * Composes the mail of a delivery: text and HTML with the same content, and the headers that mail programs act on.
 *
 * - `Message-ID` is the delivery's id, so a mail program recognises a mail that was sent twice.
 * - `References` and `In-Reply-To` name the alert, so mail programs show its mails as one thread.
 * - `List-Unsubscribe` with `List-Unsubscribe-Post` offers to unsubscribe with one click (RFC 8058), over https only.
 * - `Auto-Submitted` tells automatic responders not to reply (RFC 3834).
 */
export class ComposeMail {
  constructor(
    private readonly settings: MailSettings,
    private readonly links: Pick<SignedLinks, 'sign'>,
  ) {}

  /** Throws `TemplateFailed` when the text cannot be made, and `Unavailable` when the key for links cannot be read. */
  async of(delivery: ClaimedDelivery): Promise<ComposedMail> {
    const { MAIL_FROM: from, PUBLIC_URL: publicUrl } = this.settings;
    const links = await this.linksOf(delivery, publicUrl);
    const { subject, text, html } = composed(delivery, links);
    const { entry, recipient, delivery_id } = delivery;
    const thread = entry && `<alert-${entry.alert_id}@${from.domain}>`;
    return {
      from: { name: from.name, address: from.address },
      // objects, because nodemailer reads a string as a list: `a,b@example.com` would be two addresses
      to: { name: '', address: recipient },
      envelope: { from: from.address, to: [recipient] },
      words: { subject, text, html },
      ...(!isEncoded(subject) && { subject }),
      text,
      html,
      messageId: `<${delivery_id}@${from.domain}>`,
      ...(thread && { inReplyTo: thread, references: thread }),
      headers: {
        ...(isEncoded(subject) && {
          Subject: { prepared: true, foldLines: true, value: encodeWord(subject, 'B', MAX_ENCODED_WORD) },
        }),
        'Auto-Submitted': 'auto-generated',
        'X-Auto-Response-Suppress': 'All',
        ...((entry ?? delivery.notification)?.severity === 'urgent' && { Importance: 'high' }),
        // nodemailer's own option `list` would write `<http://List-Unsubscribe=One-Click>`
        ...(links.unsubscribe && {
          'List-Unsubscribe': { prepared: true, value: `<${links.unsubscribe}>` },
          ...(links.unsubscribe.startsWith('https:') && { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }),
        }),
      },
      disableFileAccess: true,
      disableUrlAccess: true,
    };
  }

  private async linksOf(
    { tenant_id, channel, recipient: address, entry }: ClaimedDelivery,
    publicUrl: string | undefined,
  ): Promise<MessageLinks> {
    if (!publicUrl) return {};
    const to = { tenant_id, channel, address };
    const [acknowledge, unsubscribe] = await Promise.all([
      entry ? this.links.sign({ ...to, purpose: 'acknowledge', alert_id: entry.alert_id }) : undefined,
      this.links.sign({ ...to, purpose: 'unsubscribe', alert_id: null }),
    ]);
    return {
      publicUrl,
      acknowledge: acknowledge && `${publicUrl}/a/${acknowledge}`,
      unsubscribe: `${publicUrl}/u/${unsubscribe}`,
    };
  }
}

/**
 * Whether a mail program would take a part of the text for an encoded word (`=?utf-8?Q?…?=`) and decode it: whatever no
 * text may carry into a mail could be in there. nodemailer writes a subject in ASCII as it is.
 */
const isEncoded = (subject: string): boolean => subject.includes('=?');

/** The text of a delivery could not be made: another attempt would fail as well. */
export class TemplateFailed extends Error {}

function composed(delivery: ClaimedDelivery, links: MessageLinks): ReturnType<typeof composeMessage> {
  try {
    return composeMessage(delivery, links);
  } catch (cause) {
    throw new TemplateFailed('The text of the message could not be made.', { cause });
  }
}
