import { setting } from '@tocsin/settings';
import { z } from 'zod';

const httpUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:\/\//.test(text), 'an http or https address is needed')
  .transform((text) => text.replace(/\/+$/, ''));

/** E.164, a short code, a name of the sender, or a messaging service of Twilio. */
const SMS_SENDER = /^(\+[1-9]\d{6,14}|\d{3,8}|MG[0-9a-f]{32}|(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11})$/;

/** Bytes in base64url, as VAPID keys and those of a subscription are written. */
const key = (bytes: number, about: string) =>
  z.string().refine((text) => /^[A-Za-z0-9_-]+$/.test(text) && Buffer.from(text, 'base64url').length === bytes, about);

/** The address at which people and providers reach the gateway. */
export const publicUrlSetting = {
  PUBLIC_URL: setting(
    z
      .string()
      .refine(
        (url) =>
          URL.canParse(url) &&
          /^https?:$/.test(new URL(url).protocol) &&
          !/[?#@\s]/.test(url) &&
          !new URL(url).username,
        'it must be an http:// or https:// address without a query',
      )
      .transform((url) => new URL(url).href.replace(/\/+$/, ''))
      .optional(),
    {
      description:
        'The address at which people and providers reach the gateway. Links in messages and the callbacks of ' +
        'Twilio begin with it. Unset: messages have no links (to open the alert, acknowledge it, unsubscribe), ' +
        'and callbacks are refused.',
      example: 'https://tocsin.example.com',
    },
  ),
};

/** What the gateway needs to recognise Twilio's callbacks. */
export const twilioCallbackSettings = {
  TWILIO_ACCOUNT_SID: setting(
    z
      .string()
      .regex(/^AC[0-9a-f]{32}$/, 'AC and 32 hexadecimal digits are needed')
      .optional(),
    {
      description: 'The account of Twilio that sends SMS and WhatsApp messages. Unset: neither is sent.',
      example: 'AC00000000000000000000000000000000',
    },
  ),
  TWILIO_AUTH_TOKEN: setting(z.string().min(16, 'at least 16 characters are needed').optional(), {
    description: "The account's auth token. Our requests log in with it, and Twilio signs its callbacks with it.",
    secret: true,
  }),
  ...publicUrlSetting,
};

/** What the notifier needs to send over Twilio. */
export const twilioSettings = {
  ...twilioCallbackSettings,
  TWILIO_SMS_FROM: setting(
    z
      .string()
      .regex(SMS_SENDER, 'a number such as +15005550006, a messaging service (MG…) or a name is needed')
      .optional(),
    {
      description:
        'The sender of SMS: a number in E.164, a short code, a messaging service (MG…) or a name of up to 11 ' +
        'characters. A name gets no replies. Unset: no SMS is sent.',
      example: '+15005550006',
    },
  ),
  TWILIO_WHATSAPP_FROM: setting(
    z
      .string()
      .regex(/^\+[1-9]\d{6,14}$/, 'a number such as +14155238886 is needed')
      .optional(),
    {
      description: 'The number that sends WhatsApp messages, in E.164. Unset: none is sent.',
      example: '+14155238886',
    },
  ),
  TWILIO_WHATSAPP_CONTENT_SID: setting(
    z
      .string()
      .regex(/^HX[0-9a-f]{32}$/, 'HX and 32 hexadecimal digits are needed')
      .optional(),
    {
      description:
        'The approved template of WhatsApp messages. Its variable 1 is the text. WhatsApp requires a template for ' +
        'people who have not written within 24 hours. Unset: the text is sent without a template.',
      example: 'HX00000000000000000000000000000000',
    },
  ),
  TWILIO_API_URL: setting(httpUrl.default('https://api.twilio.com'), {
    description: "The address of Twilio's API: set it for another region, or for a stand-in in tests.",
  }),
};

/** The public key of Web Push: browsers subscribe with it. */
export const vapidPublicSetting = {
  VAPID_PUBLIC_KEY: setting(key(65, 'the public key that npm run vapid-keys prints is needed').optional(), {
    description:
      'The public key with which browsers subscribe to push messages (`npm run vapid-keys` makes a pair). A new ' +
      'key ends all subscriptions. Unset: no browser can subscribe.',
  }),
};

/** What the notifier needs to send push messages. */
export const pushSettings = {
  ...vapidPublicSetting,
  VAPID_PRIVATE_KEY: setting(key(32, 'the private key that npm run vapid-keys prints is needed').optional(), {
    description: 'The private key of the pair. It signs push messages. Unset: no push message is sent.',
    secret: true,
  }),
  VAPID_SUBJECT: setting(
    z
      .string()
      .regex(/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, 'mailto:… or https://… is needed')
      .optional(),
    {
      description: 'The address at which push services reach the operator of Tocsin: mailto: or https:.',
      example: 'mailto:operations@example.com',
    },
  ),
};

interface TwilioAccountSettings {
  TWILIO_ACCOUNT_SID?: string | undefined;
  TWILIO_AUTH_TOKEN?: string | undefined;
  TWILIO_SMS_FROM?: string | undefined;
  TWILIO_WHATSAPP_FROM?: string | undefined;
}
interface PushSettings {
  VAPID_PUBLIC_KEY?: string | undefined;
  VAPID_PRIVATE_KEY?: string | undefined;
  VAPID_SUBJECT?: string | undefined;
}

/** The contradictions between these settings. For the `check` of `readSettings`. */
export function checkPhoneSettings(settings: TwilioAccountSettings & PushSettings): string[] {
  const { TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_SMS_FROM, TWILIO_WHATSAPP_FROM } = settings;
  const problems: string[] = [];
  if ((TWILIO_ACCOUNT_SID === undefined) !== (TWILIO_AUTH_TOKEN === undefined))
    problems.push('TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are set together or not at all.');
  if ((TWILIO_SMS_FROM ?? TWILIO_WHATSAPP_FROM) !== undefined && TWILIO_ACCOUNT_SID === undefined)
    problems.push('TWILIO_SMS_FROM and TWILIO_WHATSAPP_FROM need TWILIO_ACCOUNT_SID.');
  const { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT } = settings;
  if (VAPID_PRIVATE_KEY !== undefined && (VAPID_PUBLIC_KEY === undefined || VAPID_SUBJECT === undefined))
    problems.push('VAPID_PRIVATE_KEY needs VAPID_PUBLIC_KEY and VAPID_SUBJECT.');
  return problems;
}
