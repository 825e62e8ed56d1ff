import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateVAPIDKeys } from 'web-push';
import { PushStandIn } from '../../apps/notifier/src/channels/testing/push-stand-in';
import { TwilioStandIn } from '../../apps/notifier/src/channels/testing/twilio-stand-in';
import { openReceiver, type Receiver } from '../../apps/notifier/src/channels/webhook/testing/receiver';
import { SmtpSink } from '../../apps/notifier/src/testing/smtp-sink';
import type { Environment } from './processes';

const ACCOUNT_SID = `AC${'0'.repeat(32)}`;
const AUTH_TOKEN = 'canary-twilio-auth-token';
export const SMS_FROM = '+15005550006';

/** The address of the receiver that takes no webhook until it is told to. */
const AWAY = '/away';

/**
 * Everything outside that a notifier delivers to, on this machine: a mail server, Twilio, a receiver of webhooks and a
 * push service, which is reached by https.
 */
export class DeliveryPeers {
  readonly smtp = new SmtpSink();
  readonly twilio = new TwilioStandIn(ACCOUNT_SID, AUTH_TOKEN);
  readonly push: PushStandIn;
  webhooks!: Receiver;
  private twilioUrl = '';
  private readonly vapid = generateVAPIDKeys();
  private readonly folder = mkdtempSync(join(tmpdir(), 'tocsin-peers-'));

  private constructor() {
    const [key, cert] = [join(this.folder, 'key.pem'), this.certificate];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
    const subject = ['-subj', '/CN=push.example', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', [...request, ...subject], { stdio: 'ignore' });
    this.push = new PushStandIn(this.vapid.publicKey, {
      key: readFileSync(key, 'utf8'),
      cert: readFileSync(cert, 'utf8'),
    });
  }

  static async open(): Promise<DeliveryPeers> {
    const peers = new DeliveryPeers();
    await peers.smtp.listen();
    await peers.push.listen();
    peers.twilioUrl = await peers.twilio.listen();
    peers.webhooks = await openReceiver((response, { url }) => response.writeHead(url === AWAY ? 503 : 204).end());
    return peers;
  }

  /** An address at which every attempt fails for now. */
  get awayUrl(): string {
    return new URL(AWAY, this.webhooks.url).href;
  }

  gatewayEnvironment(publicUrl: string): Environment {
    return {
      PUBLIC_URL: publicUrl,
      TWILIO_ACCOUNT_SID: ACCOUNT_SID,
      TWILIO_AUTH_TOKEN: AUTH_TOKEN,
      VAPID_PUBLIC_KEY: this.vapid.publicKey,
    };
  }

  notifierEnvironment(publicUrl: string): Environment {
    return {
      ...this.gatewayEnvironment(publicUrl),
      SMTP_URL: `smtp://127.0.0.1:${this.smtp.port}`,
      MAIL_FROM: 'Tocsin <alerts@example.com>',
      TWILIO_API_URL: this.twilioUrl,
      TWILIO_SMS_FROM: SMS_FROM,
      TWILIO_WHATSAPP_FROM: '+14155238886',
      VAPID_PRIVATE_KEY: this.vapid.privateKey,
      VAPID_SUBJECT: 'mailto:operations@example.com',
      WEBHOOK_ALLOW_PRIVATE: 'on',
      NODE_EXTRA_CA_CERTS: this.certificate,
    };
  }

  /** The form and the head field of a reply as Twilio sends it: signed for the address that it calls. */
  reply(url: string, from: string, text: string): { body: string; signature: string } {
    const form = { AccountSid: ACCOUNT_SID, MessageSid: `SM${'1'.repeat(32)}`, From: from, To: SMS_FROM, Body: text };
    const fields = Object.entries(form).sort(([one], [two]) => (one < two ? -1 : 1));
    const signed = url + fields.flat().join('');
    return {
      body: new URLSearchParams(form).toString(),
      signature: createHmac('sha1', AUTH_TOKEN).update(signed).digest('base64'),
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.smtp.close(), this.twilio.close(), this.push.close(), this.webhooks?.close()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get certificate(): string {
    return join(this.folder, 'cert.pem');
  }
}
