import type { LookupFunction } from 'node:net';
import { generateRequestDetails } from 'web-push';
import { Unavailable, type ClaimedDelivery, type SendOutcome } from '@tocsin/contracts';
import type { PushSubscriptions } from '@tocsin/contracts/ports';
import type { PushKeys, Severity } from '@tocsin/contracts/wire';
import { DeliveryChannel, type ChannelLimits } from './delivery-channel';
import { pushPayload } from './push-payload';
import { readDestination } from './webhook/address-guard';
import { judgeAnswer } from './webhook/judge-answer';
import { post, POST_TIMES, type Post } from './webhook/post';
import { guardedLookup, resolveByDns, resolveLocally } from './webhook/resolve';

export const PUSH_LIMITS: ChannelLimits = { concurrency: 20, timeoutMs: 20_000, expiresAfterMs: 3_600_000 };

const MINUTE_S = 60;
/**
 * How soon a push service is to wake the device, and how long it keeps the message for a device that is off. `normal` may
 * wait for the device to be used; an alert that people must not miss is `high`.
 */
const HURRY: Readonly<Record<Severity, { urgency: 'high' | 'normal' | 'low'; TTL: number }>> = {
  urgent: { urgency: 'high', TTL: 240 * MINUTE_S },
  high: { urgency: 'high', TTL: 240 * MINUTE_S },
  medium: { urgency: 'normal', TTL: 60 * MINUTE_S },
  low: { urgency: 'low', TTL: 60 * MINUTE_S },
};

/** In this many attempts every browser of the user gets its chance; after them one that has taken it is enough. */
const ATTEMPTS_FOR_ALL = 3;

/** What came of one browser. */
interface Told {
  endpoint: string;
  result: SendOutcome;
}
const TAKEN_BEFORE: SendOutcome = { outcome: 'sent' };

/** The message is out. When the store is away now, the next attempt tells a browser twice, which recognises that. */
function sendsItAgain(error: unknown): void {
  if (!(error instanceof Unavailable)) throw error;
}

export interface PushOptions {
  VAPID_PUBLIC_KEY: string;
  VAPID_PRIVATE_KEY: string;
  VAPID_SUBJECT: string;
  /** Lets messages go to private addresses over http: for tests and for development. */
  WEBHOOK_ALLOW_PRIVATE?: boolean | undefined;
}

/**
 * Web Push (RFC 8030, 8188, 8291, 8292) to all browsers of a user: the recipient is `user:<id>`. At least once: the
 * payload has the `delivery_id`, by which the service worker recognises a duplicate, and a topic, by which a newer message
 * on the same alert replaces one that still waits for the device.
 *
 * - A browser that its push service no longer knows (404, 410) is forgotten.
 * - When some browsers have taken the message and others may do so later, only the others are tried again, in the next
 *   two attempts. Then the delivery is `sent`: the user was told. `answer` says in how many browsers.
 * - Endpoints are addresses that browsers have chosen, so they are guarded as those of webhooks are.
 */
export class PushChannel extends DeliveryChannel {
  readonly channel = 'push';
  readonly promise = 'at_least_once';
  readonly limits = PUSH_LIMITS;
  private readonly lookup: LookupFunction;
  private readonly allowPrivate: boolean;

  constructor(
    private readonly subscriptions: Pick<PushSubscriptions, 'to' | 'noteTaken' | 'forget'>,
    private readonly options: PushOptions,
  ) {
    super();
    this.allowPrivate = options.WEBHOOK_ALLOW_PRIVATE ?? false;
    this.lookup = guardedLookup(this.allowPrivate ? resolveLocally : resolveByDns(), this.allowPrivate);
  }

  async send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<SendOutcome> {
    const userId = /^user:(.+)$/.exec(delivery.recipient)?.[1];
    if (userId === undefined) return { outcome: 'failed', reason: 'invalid_recipient' };
    let payload: string;
    try {
      payload = pushPayload(delivery);
    } catch (error) {
      return {
        outcome: 'failed',
        reason: 'template_failed',
        answer: error instanceof Error ? error.message : undefined,
      };
    }
    const { tenant_id, delivery_id, attempt } = delivery;
    const browsers = await this.subscriptions.to(tenant_id, userId, delivery_id);
    const told = await Promise.all(
      browsers.map(async (browser): Promise<Told> => {
        const result = browser.taken ? TAKEN_BEFORE : await this.sendTo(browser, delivery, payload, signal);
        return { endpoint: browser.endpoint, result };
      }),
    );
    const endpointsOf = (which: (result: SendOutcome) => boolean) =>
      told.filter(({ result }) => which(result)).map(({ endpoint }) => endpoint);
    const gone = endpointsOf((result) => result.outcome === 'failed' && result.reason === 'gone');
    if (gone.length > 0) await this.subscriptions.forget(gone).catch(sendsItAgain);
    const outcome = together(
      told.map(({ result }) => result),
      attempt,
    );
    const taken = endpointsOf((result) => result.outcome === 'sent' && result !== TAKEN_BEFORE);
    if (outcome.outcome === 'retry' && taken.length > 0)
      await this.subscriptions.noteTaken(tenant_id, taken, delivery_id).catch(sendsItAgain);
    return outcome;
  }

  private async sendTo(
    browser: PushKeys,
    delivery: ClaimedDelivery,
    payload: string,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const destination = readDestination(browser.endpoint, this.allowPrivate);
    if (!('url' in destination)) return { outcome: 'failed', reason: 'blocked_address', answer: destination.fault };
    let sealed: Pick<Post, 'headers' | 'body'>;
    try {
      sealed = this.seal(browser, delivery, payload);
    } catch (error) {
      // keys that nothing can be encrypted with: no message will ever reach this browser
      return { outcome: 'failed', reason: 'gone', answer: error instanceof Error ? error.message : undefined };
    }
    const { lookup, allowPrivate } = this;
    const times = { ...POST_TIMES, totalMs: PUSH_LIMITS.timeoutMs };
    return outcomeOf(judgeAnswer(await post({ url: destination.url, ...sealed, lookup, allowPrivate, times, signal })));
  }

  /** Encrypts the payload for the browser, and signs who we are. */
  private seal(
    { endpoint, p256dh, auth }: PushKeys,
    { delivery_id, entry, notification }: ClaimedDelivery,
    payload: string,
  ): Pick<Post, 'headers' | 'body'> {
    const { VAPID_SUBJECT, VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY } = this.options;
    const { headers, body } = generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, {
      vapidDetails: { subject: VAPID_SUBJECT, publicKey: VAPID_PUBLIC_KEY, privateKey: VAPID_PRIVATE_KEY },
      contentEncoding: 'aes128gcm',
      ...HURRY[(entry ?? notification)!.severity],
      // 32 characters at most: a UUID without its hyphens
      topic: (entry?.alert_id ?? delivery_id).replaceAll('-', ''),
    });
    const { 'Content-Length': _counted, ...named } = headers as Record<string, string | number>;
    return { headers: Object.fromEntries(Object.entries(named).map(([name, value]) => [name, String(value)])), body };
  }
}

/** The channel that the settings make; undefined when they have no keys. */
export function pushChannel(settings: Partial<PushOptions>, subscriptions: PushSubscriptions): PushChannel | undefined {
  const { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT, WEBHOOK_ALLOW_PRIVATE } = settings;
  if (VAPID_PUBLIC_KEY === undefined || VAPID_PRIVATE_KEY === undefined || VAPID_SUBJECT === undefined)
    return undefined;
  return new PushChannel(subscriptions, { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT, WEBHOOK_ALLOW_PRIVATE });
}

/** A push service says 404 or 410 of a browser that has unsubscribed or is gone, and 413 of a payload that is too large. */
function outcomeOf(result: SendOutcome): SendOutcome {
  if (result.outcome === 'failed' && result.reason === 'invalid_recipient') return { ...result, reason: 'gone' };
  // the key or its signature is refused: ours to put right, and the message can be sent then
  if (result.outcome === 'failed' && result.reason === 'unauthorized') return { ...result, outcome: 'retry' };
  return result;
}

/** What the results of the browsers are together. */
function together(results: readonly SendOutcome[], attempt: number): SendOutcome {
  const taken = results.filter(({ outcome }) => outcome === 'sent').length;
  const later = results.filter(({ outcome }) => outcome === 'retry' || outcome === 'unknown');
  const [first] = later;
  if (taken > 0 && (first === undefined || attempt >= ATTEMPTS_FOR_ALL))
    return { outcome: 'sent', answer: `${taken} of ${results.length} browsers` };
  if (first !== undefined && first.outcome !== 'sent') {
    const waits = later.flatMap((one) => (one.outcome === 'retry' && one.retry_after_ms) || []);
    return {
      outcome: 'retry',
      reason: first.reason,
      answer: `${taken} of ${results.length} browsers; ${first.answer ?? first.reason}`,
      ...(waits.length > 0 && { retry_after_ms: Math.max(...waits) }),
    };
  }
  const refused = results.find((one) => one.outcome === 'failed' && one.reason !== 'gone') ?? results[0];
  if (refused?.outcome === 'failed') return refused;
  return { outcome: 'failed', reason: 'gone', answer: 'The user has no browser that is subscribed for this tenant.' };
}
