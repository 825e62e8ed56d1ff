import type { LookupFunction } from 'node:net';
import { generateRequestDetails } from 'web-push';
import { Unavailable, type ClaimedDelivery, type SendOutcome } from '@tocsin/contracts';
import type { PushSubscriptions, PushTarget } from '@tocsin/contracts/ports';
import type { Entry, PushKeys, Severity } from '@tocsin/contracts/wire';
import { SILENCE, type Breakers } from '../breakers';
import { DeliveryChannel, storeAway, type ChannelLimits } from './delivery-channel';
import { pushPayload } from './push-payload';
import { readDestination } from './webhook/address-guard';
import { judgeAnswer } from './webhook/judge-answer';
import { post, POST_TIMES, type Post, type PostTimes } from './webhook/post';
import { guardedLookup, resolveByDns, resolveLocally } from './webhook/resolve';

export const PUSH_LIMITS: ChannelLimits = { concurrency: 20, timeoutMs: 20_000, expiresAfterMs: 3_600_000 };

const MINUTE_S = 60;
/**
 * How urgently a push service wakes the device, and how long it keeps the message for a device that is off. A message
 * with `normal` urgency may wait until the device is used, so alerts that people must not miss have `high`.
 */
const HURRY: Readonly<Record<Severity, { urgency: 'high' | 'normal' | 'low'; TTL: number }>> = {
  urgent: { urgency: 'high', TTL: 240 * MINUTE_S },
  high: { urgency: 'high', TTL: 240 * MINUTE_S },
  medium: { urgency: 'normal', TTL: 60 * MINUTE_S },
  low: { urgency: 'low', TTL: 60 * MINUTE_S },
};

/**
 * The first attempts try every browser of the user. After them, one browser that has accepted the message is enough,
 * once each of the others could be asked.
 */
const ATTEMPTS_FOR_ALL = 3;
/**
 * A message that is sent within this time after its entry, in milliseconds, counts as the newest on its alert. A later
 * one may have been held back while a newer one was sent.
 */
const NEWEST_WITHIN_MS = 5_000;

/** The result for one browser. */
interface Told {
  endpoint: string;
  result: SendOutcome;
}
const TAKEN_BEFORE: SendOutcome = { outcome: 'sent' };
/** Whether the push service of the browser was asked in this attempt. */
const wasAsked = (result: SendOutcome): boolean => result !== TAKEN_BEFORE && result.of !== 'us';

/**
 * The messages are sent already, so an unreachable store does not fail the attempt. The next attempt may send to a
 * browser twice, and the browser recognises the duplicate.
 */
function sendsItAgain(error: unknown): void {
  if (!(error instanceof Unavailable)) throw error;
}

export interface PushOptions {
  VAPID_PUBLIC_KEY: string;
  VAPID_PRIVATE_KEY: string;
  VAPID_SUBJECT: string;
  /** Lets messages go to private addresses over http: for tests and for development. */
  WEBHOOK_ALLOW_PRIVATE?: boolean | undefined;
  /** Default: 20 attempts at a time, a timeout of 20 s, expiry after an hour. */
  limits?: Partial<ChannelLimits>;
  /** Default: 3 s for the connection, 10 s for the head, 3 s for the body, 20 s for the whole post. */
  times?: Partial<PostTimes>;
}

/**
 * Web Push (RFC 8030, 8188, 8291, 8292) to all browsers of a user; the recipient is `user:<id>`. At least once: the
 * payload has the `delivery_id`, by which the service worker recognises a duplicate. The message also has a topic, so
 * that a newer message on the same alert replaces one that still waits for the device. A later attempt and a message
 * that was held back have a topic of the delivery alone; the worker leaves a newer message where it is.
 *
 * - The subscription of a browser that its push service no longer knows (404, 410) is deleted.
 * - When some browsers have accepted the message and others may do so later, the next two attempts try only the others.
 *   Then the delivery is `sent`, because the user was told. `answer` says in how many browsers.
 * - Each push service has a breaker beside those of the users, which opens when the service is silent. While it is
 *   open, nothing is sent to the service, so that its users do not hold all places of the channel. When no browser
 *   can be asked, the delivery is held back, and no attempt is used up.
 * - Clients choose the endpoints, so their addresses are checked like those of webhooks.
 */
export class PushChannel extends DeliveryChannel {
  readonly channel = 'push';
  readonly promise = 'at_least_once';
  readonly limits: ChannelLimits;
  private readonly times: PostTimes;
  private readonly lookup: LookupFunction;
  private readonly allowPrivate: boolean;

  constructor(
    private readonly subscriptions: Pick<PushSubscriptions, 'to' | 'noteTaken' | 'forget'>,
    private readonly options: PushOptions,
    private readonly breakers: Pick<Breakers, 'of'>,
  ) {
    super();
    this.limits = { ...PUSH_LIMITS, ...options.limits };
    this.times = { ...POST_TIMES, totalMs: this.limits.timeoutMs, ...options.times };
    this.allowPrivate = options.WEBHOOK_ALLOW_PRIVATE ?? false;
    this.lookup = guardedLookup(this.allowPrivate ? resolveLocally : resolveByDns(), this.allowPrivate);
  }

  /**
   * Each user of each tenant has a breaker of its own. Browsers choose their endpoints, and push services limit the
   * messages of each: one that takes none must not stop the messages of other users.
   */
  override providerOf({ recipient, tenant_id }: ClaimedDelivery): string {
    return `push ${recipient} of ${tenant_id}`;
  }

  async send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<SendOutcome> {
    const userId = /^user:(.+)$/.exec(delivery.recipient)?.[1];
    if (userId === undefined) return { outcome: 'failed', reason: 'invalid_recipient', of: 'us' };
    let payload: string;
    try {
      payload = pushPayload(delivery);
    } catch (error) {
      return {
        outcome: 'failed',
        reason: 'template_failed',
        answer: error instanceof Error ? error.message : undefined,
        of: 'us',
      };
    }
    const { tenant_id, delivery_id, attempt, attempts_before = 0 } = delivery;
    let browsers: PushTarget[];
    try {
      browsers = await this.subscriptions.to(tenant_id, userId, delivery_id);
    } catch (error) {
      if (error instanceof Unavailable) return storeAway(error);
      throw error;
    }
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
      attempt - attempts_before,
    );
    const taken = endpointsOf((result) => result.outcome === 'sent' && result !== TAKEN_BEFORE);
    if (outcome.outcome === 'retry' && taken.length > 0)
      await this.subscriptions.noteTaken(tenant_id, taken, delivery_id).catch(sendsItAgain);
    return told.some(({ result }) => wasAsked(result)) ? outcome : { ...outcome, of: 'us' };
  }

  private async sendTo(
    browser: PushKeys,
    delivery: ClaimedDelivery,
    payload: string,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const destination = readDestination(browser.endpoint, this.allowPrivate);
    if (!('url' in destination))
      return { outcome: 'failed', reason: 'blocked_address', answer: destination.fault, of: 'us' };
    let sealed: Pick<Post, 'headers' | 'body'>;
    try {
      sealed = this.seal(browser, delivery, payload);
    } catch (error) {
      // these keys cannot encrypt anything, so no message will ever reach this browser
      return {
        outcome: 'failed',
        reason: 'gone',
        answer: error instanceof Error ? error.message : undefined,
        of: 'us',
      };
    }
    const { url } = destination;
    const { lookup, allowPrivate, times } = this;
    const breaker = this.breakers.of(this, url.host, SILENCE);
    const result = await breaker.run(async () =>
      outcomeOf(judgeAnswer(await post({ url, ...sealed, lookup, allowPrivate, times, signal }))),
    );
    return result ?? heldBack(url.host, breaker.pauseMs);
  }

  /** Encrypts the payload for the browser, and adds our signed identity (VAPID). */
  private seal(
    { endpoint, p256dh, auth }: PushKeys,
    { delivery_id, attempt, entry, notification }: ClaimedDelivery,
    payload: string,
  ): Pick<Post, 'headers' | 'body'> {
    const { VAPID_SUBJECT, VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY } = this.options;
    const { headers, body } = generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, {
      vapidDetails: { subject: VAPID_SUBJECT, publicKey: VAPID_PUBLIC_KEY, privateKey: VAPID_PRIVATE_KEY },
      contentEncoding: 'aes128gcm',
      ...HURRY[(entry ?? notification)!.severity],
      // A message that is late or tried again may be older than one that was accepted meanwhile, so it replaces only
      // itself. 32 characters at most: a UUID without its hyphens
      topic: (entry && attempt === 1 && isNewest(entry) ? entry.alert_id : delivery_id).replaceAll('-', ''),
    });
    const { 'Content-Length': _counted, ...named } = headers as Record<string, string | number>;
    return { headers: Object.fromEntries(Object.entries(named).map(([name, value]) => [name, String(value)])), body };
  }
}

const isNewest = ({ received_at }: Entry): boolean => Date.now() - Date.parse(received_at) < NEWEST_WITHIN_MS;

/** The result for a browser whose push service is silent at present: nothing was sent to it. */
const heldBack = (host: string, pause_ms: number): SendOutcome => ({
  outcome: 'held_back',
  pause_ms,
  answer: `${host} did not answer lately, so it was not asked.`,
  of: 'us',
});

/** The channel as configured; undefined without VAPID keys. */
export function pushChannel(
  settings: Partial<PushOptions>,
  subscriptions: PushSubscriptions,
  breakers: Pick<Breakers, 'of'>,
): PushChannel | undefined {
  const { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT, WEBHOOK_ALLOW_PRIVATE } = settings;
  if (VAPID_PUBLIC_KEY === undefined || VAPID_PRIVATE_KEY === undefined || VAPID_SUBJECT === undefined)
    return undefined;
  const options = { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT, WEBHOOK_ALLOW_PRIVATE };
  return new PushChannel(subscriptions, options, breakers);
}

/**
 * A push service answers 404 or 410 when the browser has unsubscribed or is gone, and 413 when the payload is too
 * large.
 */
function outcomeOf(result: SendOutcome): SendOutcome {
  if (result.outcome === 'failed' && result.reason === 'invalid_recipient') return { ...result, reason: 'gone' };
  // the push service refuses our key or signature: an operator can correct that, and then the message can be sent
  if (result.outcome === 'failed' && result.reason === 'unauthorized') return { ...result, outcome: 'retry' };
  return result;
}

/** Combines the results of the browsers into one outcome. */
function together(results: readonly SendOutcome[], attempt: number): SendOutcome {
  const taken = results.filter(({ outcome }) => outcome === 'sent').length;
  const later = results.filter(({ outcome }) => outcome === 'retry' || outcome === 'unknown');
  const pauses = results.flatMap((one) => (one.outcome === 'held_back' ? one.pause_ms : []));
  const told = taken > 0;
  // the attempts say nothing of a browser that could not be asked
  if (told && pauses.length === 0 && (later.length === 0 || attempt >= ATTEMPTS_FOR_ALL))
    return { outcome: 'sent', answer: `${taken} of ${results.length} browsers` };
  const first = later[0] ?? results.find(({ outcome }) => outcome === 'held_back');
  if (first && first.outcome !== 'sent') {
    const reason = 'reason' in first ? first.reason : 'connection_failed';
    const answer = `${taken} of ${results.length} browsers; ${first.answer ?? reason}`;
    if (!results.some(wasAsked)) return { outcome: 'held_back', pause_ms: Math.min(...pauses), answer, told };
    const waits = [...pauses, ...later.flatMap((one) => (one.outcome === 'retry' && one.retry_after_ms) || [])];
    return {
      outcome: 'retry',
      reason,
      answer,
      told,
      ...(waits.length > 0 && { retry_after_ms: Math.max(...waits) }),
      // a browser that takes messages must not wait for one that takes none, nor for one that was not asked
      ...((told || later.length === 0) && { of: 'recipient' }),
    };
  }
  const refused = results.find((one) => one.outcome === 'failed' && one.reason !== 'gone') ?? results[0];
  if (refused?.outcome === 'failed') return { outcome: 'failed', reason: refused.reason, answer: refused.answer };
  return { outcome: 'failed', reason: 'gone', answer: 'The user has no browser that is subscribed for this tenant.' };
}
