import type { LookupFunction } from 'node:net';
import type { ClaimedDelivery, SendOutcome } from '@tocsin/contracts';
import { statusCallbackOf, twilioNumber, twilioReasonOf } from '@tocsin/phones';
import { composeMessage } from '../compose-message';
import { cutTo } from '../plain-text';
import { DeliveryChannel, type ChannelLimits } from './delivery-channel';
import { readRetryAfter } from './webhook/judge-answer';
import { post, POST_TIMES, type Posted } from './webhook/post';
import { guardedLookup, resolveLocally } from './webhook/resolve';

/** A delivery expires after 15 minutes: an SMS that is later than that wakes people for no benefit. */
export const TWILIO_LIMITS: ChannelLimits = { concurrency: 10, timeoutMs: 15_000, expiresAfterMs: 15 * 60_000 };
/** The longest text, in UTF-16 code units. An SMS of this length has three segments in GSM-7 and five in UCS-2. */
export const MAX_TEXT = 320;
/**
 * The senders that people can reply to: a number, a short code or a messaging service, but not an alphanumeric name.
 */
const CAN_BE_REPLIED_TO = /^(\+\d+|\d{3,8}|MG[0-9a-f]{32})$/;

export interface TwilioOptions {
  TWILIO_ACCOUNT_SID: string;
  TWILIO_AUTH_TOKEN: string;
  TWILIO_API_URL: string;
  /** Where Twilio sends its reports on messages. Without it, Twilio is asked for none. */
  PUBLIC_URL?: string | undefined;
  TWILIO_WHATSAPP_CONTENT_SID?: string | undefined;
}

/**
 * SMS or WhatsApp over Twilio's HTTP API. At most once: Twilio recognises no duplicates. A message whose answer was
 * lost stays `unknown` until Twilio reports on it, and is never sent again automatically.
 *
 * Each message has its own connection. With a kept connection, one that Twilio has just closed could not be told from a
 * message whose answer was lost.
 */
export class TwilioChannel extends DeliveryChannel {
  readonly promise = 'at_most_once';
  readonly limits = TWILIO_LIMITS;
  private readonly url: URL;
  private readonly authorization: string;
  /** Private addresses are allowed, because the operator sets TWILIO_API_URL: it may be a stand-in on this machine. */
  private readonly lookup: LookupFunction = guardedLookup(resolveLocally, true);

  constructor(
    readonly channel: 'sms' | 'whatsapp',
    /** The sender: TWILIO_SMS_FROM or TWILIO_WHATSAPP_FROM. */
    private readonly from: string,
    private readonly options: TwilioOptions,
    private readonly now: () => number = Date.now,
  ) {
    super();
    const { TWILIO_API_URL, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN } = options;
    this.url = new URL(`${TWILIO_API_URL}/2010-04-01/Accounts/${TWILIO_ACCOUNT_SID}/Messages.json`);
    this.authorization = `Basic ${Buffer.from(`${TWILIO_ACCOUNT_SID}:${TWILIO_AUTH_TOKEN}`).toString('base64')}`;
  }

  async send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<SendOutcome> {
    let form: URLSearchParams;
    try {
      form = this.formOf(delivery);
    } catch (error) {
      return {
        outcome: 'failed',
        reason: 'template_failed',
        answer: error instanceof Error ? error.message : undefined,
        of: 'us',
      };
    }
    return outcomeOf(
      await post({
        url: this.url,
        headers: { authorization: this.authorization, 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(form.toString()),
        lookup: this.lookup,
        allowPrivate: true,
        times: { ...POST_TIMES, totalMs: TWILIO_LIMITS.timeoutMs },
        signal,
      }),
    );
  }

  /** Both channels of an account are one provider, because an outage of Twilio concerns both. */
  override providerOf(): string {
    return 'twilio';
  }

  private formOf(delivery: ClaimedDelivery): URLSearchParams {
    const { PUBLIC_URL, TWILIO_WHATSAPP_CONTENT_SID } = this.options;
    const text = this.textOf(delivery);
    const form = new URLSearchParams({ To: twilioNumber(this.channel, delivery.recipient) });
    if (this.from.startsWith('MG')) form.set('MessagingServiceSid', this.from);
    else form.set('From', twilioNumber(this.channel, this.from));
    if (this.channel === 'whatsapp' && TWILIO_WHATSAPP_CONTENT_SID !== undefined) {
      form.set('ContentSid', TWILIO_WHATSAPP_CONTENT_SID);
      form.set('ContentVariables', JSON.stringify({ 1: text }));
    } else form.set('Body', text);
    if (this.channel === 'sms') {
      // otherwise one typographic character would reduce each segment from 153 characters to 67
      form.set('SmartEncoded', 'true');
      form.set('ValidityPeriod', String(this.secondsLeft(delivery)));
    }
    if (PUBLIC_URL !== undefined) form.set('StatusCallback', statusCallbackOf(PUBLIC_URL, delivery));
    return form;
  }

  /** The text, of at most 320 characters. When it is too long, the link is left out first, and then words are cut. */
  private textOf(delivery: ClaimedDelivery): string {
    const { entry } = delivery;

    const end = entry && CAN_BE_REPLIED_TO.test(this.from) ? ` Reply "ack ${entry.seq}" to acknowledge` : '';
    const room = MAX_TEXT - end.length;
    const { short } = composeMessage(delivery, { publicUrl: this.options.PUBLIC_URL });
    return (short.length <= room ? short : cutTo(room, composeMessage(delivery, {}).short)) + end;
  }

  /** How long Twilio may keep the message in its queue, in seconds: until our own delivery would expire. */
  private secondsLeft({ first_due_at }: ClaimedDelivery): number {
    const leftMs = Date.parse(first_due_at) + TWILIO_LIMITS.expiresAfterMs - this.now();
    return Math.min(Math.max(1, Math.ceil(leftMs / 1000)), TWILIO_LIMITS.expiresAfterMs / 1000);
  }
}

/** The channels as configured: SMS, WhatsApp, both or none. */
export function twilioChannels(settings: Partial<TwilioOptions> & TwilioSenders): TwilioChannel[] {
  const { TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_API_URL, TWILIO_SMS_FROM, TWILIO_WHATSAPP_FROM } = settings;
  if (TWILIO_ACCOUNT_SID === undefined || TWILIO_AUTH_TOKEN === undefined || TWILIO_API_URL === undefined) return [];
  const options = { ...settings, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_API_URL };
  return [
    ...(TWILIO_SMS_FROM === undefined ? [] : [new TwilioChannel('sms', TWILIO_SMS_FROM, options)]),
    ...(TWILIO_WHATSAPP_FROM === undefined ? [] : [new TwilioChannel('whatsapp', TWILIO_WHATSAPP_FROM, options)]),
  ];
}

interface TwilioSenders {
  TWILIO_SMS_FROM?: string | undefined;
  TWILIO_WHATSAPP_FROM?: string | undefined;
}

/** The fields of Twilio's answer that we read. It describes a message or an error. */
interface TwilioAnswer {
  sid?: unknown;
  status?: unknown;
  code?: unknown;
  message?: unknown;
}

/** The statuses with which Twilio has certainly not accepted the message. After any other 5xx this is unknown. */
const NOT_TAKEN: ReadonlySet<number> = new Set([429, 503]);
/** Our account or TWILIO_API_URL is at fault. The same message can be sent once an operator has corrected it. */
const NOT_OURS: ReadonlySet<number> = new Set([401, 403, 404]);

function outcomeOf(posted: Posted): SendOutcome {
  if (posted.is === 'not_reached')
    return {
      outcome: 'retry',
      reason: posted.why === 'timeout' ? 'timeout' : 'connection_failed',
      answer: posted.detail,
    };
  if (posted.is === 'no_answer') {
    const reasons = { timeout: 'timeout', connection: 'connection_lost', too_large: 'answer_too_large' } as const;
    return { outcome: 'unknown', reason: reasons[posted.why], answer: posted.detail };
  }
  const { status, headers } = posted;
  const said = readAnswer(posted.body);
  const code = typeof said.code === 'number' ? said.code : undefined;
  const words = said.message ?? said.status;
  const answer = [status, code, typeof words === 'string' ? words : undefined]
    .filter((part) => part !== undefined)
    .join(' ');
  if (status >= 200 && status < 300) {
    const provider_id = typeof said.sid === 'string' && /^(SM|MM)[0-9a-f]{32}$/.test(said.sid) ? said.sid : undefined;
    return { outcome: 'sent', answer, ...(provider_id !== undefined && { provider_id }) };
  }
  if (status < 400) return { outcome: 'retry', reason: 'redirected', answer };

  const reason = code === undefined ? undefined : twilioReasonOf(code);
  const later = { answer, ...retryAfter(headers) };
  if (NOT_TAKEN.has(status))
    return { outcome: 'retry', reason: status === 429 ? 'rate_limited' : 'provider_error', ...later };
  if (status >= 500 || status === 408)
    return { outcome: 'unknown', reason: status === 408 ? 'timeout' : 'provider_error', answer };
  if (NOT_OURS.has(status) || reason === 'unauthorized') return { outcome: 'retry', reason: 'unauthorized', ...later };
  if (reason === 'rate_limited') return { outcome: 'retry', reason, ...later };
  return { outcome: 'failed', reason: reason ?? 'rejected', answer };
}

function retryAfter(headers: Parameters<typeof readRetryAfter>[0]): { retry_after_ms?: number } {
  const retry_after_ms = readRetryAfter(headers);
  return retry_after_ms === undefined ? {} : { retry_after_ms };
}

/** Reads the answer. If it is cut off or is not a JSON object, only its status counts. */
function readAnswer(body: Buffer): TwilioAnswer {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as TwilioAnswer) : {};
  } catch {
    return {};
  }
}
