import MailComposer from 'nodemailer/lib/mail-composer';
import type { SignedLinks } from '@tocsin/auth';
import { Unavailable, type ClaimedDelivery, type SendOutcome } from '@tocsin/contracts';
import type { Unsubscribes } from '@tocsin/contracts/ports';
import type { Channel } from '@tocsin/contracts/wire';
import { composeMessage } from '../compose-message';
import type { OutboxFolder } from '../outbox/outbox-folder';
import { ComposeMail, type MailSettings } from './compose-mail';
import { DeliveryChannel, storeAway, type ChannelLimits } from './delivery-channel';

/** What all channels that write to the outbox share. */
export interface OutboxParts {
  folder: OutboxFolder;
  links: Pick<SignedLinks, 'sign'>;
  unsubscribes: Pick<Unsubscribes, 'has'>;
}

/**
 * Replaces a channel that has no provider, for trying Tocsin out. It writes each message to a folder instead of sending
 * it: e-mail as `.eml` files, which every mail program opens, other channels as text.
 */
export class OutboxChannel extends DeliveryChannel {
  readonly promise = 'at_least_once';
  readonly limits: ChannelLimits = { concurrency: 2, timeoutMs: 10_000, expiresAfterMs: 24 * 3_600_000 };
  private readonly composeMail: ComposeMail;

  constructor(
    readonly channel: Channel,
    private readonly settings: MailSettings,
    private readonly parts: OutboxParts,
  ) {
    super();
    this.composeMail = new ComposeMail(settings, parts.links);
  }

  async send(delivery: ClaimedDelivery): Promise<SendOutcome> {
    try {
      return await this.write(delivery);
    } catch (error) {
      if (error instanceof Unavailable) return storeAway(error);
      throw error;
    }
  }

  private async write(delivery: ClaimedDelivery): Promise<SendOutcome> {
    const { tenant_id, channel, recipient, delivery_id } = delivery;
    if (channel === 'email' && (await this.parts.unsubscribes.has({ tenant_id, channel, address: recipient })))
      return { outcome: 'failed', reason: 'unsubscribed', of: 'us' };
    const about = { written_at: new Date().toISOString(), channel, tenant_id, recipient };
    if (channel === 'email') {
      const mail = await this.composeMail.of(delivery);
      const content = await new MailComposer(mail).compile().build();
      await this.parts.folder.write({ ...about, ...mail.words }, delivery_id, { ending: 'eml', content });
    } else {
      const { subject, text, short } = composeMessage(
        delivery,
        this.settings.PUBLIC_URL ? { publicUrl: this.settings.PUBLIC_URL } : {},
      );
      // phones get the short text
      const said = channel === 'webhook' ? text : `${short}\n`;
      const content = `To: ${recipient}\nChannel: ${channel}\n\n${said}`;
      await this.parts.folder.write({ ...about, subject, text: said, html: null }, delivery_id, {
        ending: 'txt',
        content,
      });
    }
    return { outcome: 'sent', answer: 'written to the outbox' };
  }
}
