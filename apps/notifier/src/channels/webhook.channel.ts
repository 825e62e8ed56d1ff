import { Webhook } from 'standardwebhooks';
import { traceparentOf, Unavailable, type ClaimedDelivery, type SendOutcome } from '@tocsin/contracts';
import type { EndpointInUse, WebhookEndpoints } from '@tocsin/contracts/ports';
import { DeliveryChannel, storeAway, type ChannelLimits } from './delivery-channel';
import { readDestination } from './webhook/address-guard';
import { judgeAnswer } from './webhook/judge-answer';
import { formatOfHost, fromTemplate, PAYLOAD_FORMATS, type Payload } from './webhook/payload-formats';
import { post, POST_TIMES, type PostTimes } from './webhook/post';
import { guardedLookup, resolveByDns, resolveLocally, type Resolve } from './webhook/resolve';

export interface WebhookOptions {
  /** Whether webhooks may use private addresses, plain http, other ports and IP addresses. Default false. */
  allowPrivate?: boolean;
  /** The address of the page, for links in chats. Without it, chat messages have no link to the page. */
  publicUrl?: string | undefined;
  /** Default: 64 attempts at a time, a timeout of 31 s, expiry after 24 hours. */
  limits?: Partial<ChannelLimits>;
  /** Default: 3 s for the connection, 10 s for the head, 3 s for the body, 30 s for the whole post. */
  times?: Partial<PostTimes>;
  /** An endpoint that only fails for this long is switched off, in milliseconds. Default 5 days. */
  disableAfterMs?: number;
  /** Resolves host names. Default: DNS; if private addresses are allowed, the resolver of this machine. */
  resolve?: Resolve;
  /** A certificate authority to trust instead of the known ones; for tests. */
  ca?: string;
  /** Called after failures have switched an endpoint off. */
  onDisabled?: (endpoint: { tenant_id: string; endpoint_id: string; reason: string }) => void;
}

const LIMITS: ChannelLimits = { concurrency: 64, timeoutMs: 31_000, expiresAfterMs: 24 * 3_600_000 };
const DAY_MS = 24 * 3_600_000;
/** After this time without an attempt, the period of an endpoint's failures starts again, in milliseconds. */
const FORGET_AFTER_MS = 2 * DAY_MS;

const SEALED_WITH_ANOTHER_KEY: SendOutcome = {
  outcome: 'retry',
  reason: 'not_configured',
  answer: 'The headers were sealed with another key.',
  of: 'us',
};

/**
 * Posts to webhooks, signed as Standard Webhooks requires. At least once: the receiver recognises a repeated delivery
 * by its `webhook-id`. The IP address is checked for each connection, because a name may lead to another address later.
 */
export class WebhookChannel extends DeliveryChannel {
  readonly channel = 'webhook';
  readonly promise = 'at_least_once';
  readonly limits: ChannelLimits;
  private readonly allowPrivate: boolean;
  private readonly times: PostTimes;
  private readonly lookup: ReturnType<typeof guardedLookup>;

  constructor(
    private readonly endpoints: Pick<WebhookEndpoints, 'use' | 'succeeded' | 'failed'>,
    private readonly options: WebhookOptions = {},
  ) {
    super();
    this.allowPrivate = options.allowPrivate ?? false;
    this.limits = { ...LIMITS, ...options.limits };
    this.times = { ...POST_TIMES, ...options.times };
    const resolve = options.resolve ?? (this.allowPrivate ? resolveLocally : resolveByDns());
    this.lookup = guardedLookup(resolve, this.allowPrivate);
  }

  /**
   * Each host of each tenant has a breaker of its own. Chats have one host for all their customers and limit the rate
   * of each: a tenant that sends too much must not stop the messages of others.
   */
  override providerOf({ recipient, tenant_id }: ClaimedDelivery): string {
    return URL.canParse(recipient) ? `webhook ${new URL(recipient).host} of ${tenant_id}` : this.channel;
  }

  async send(delivery: ClaimedDelivery, signal: AbortSignal): Promise<SendOutcome> {
    const destination = readDestination(delivery.recipient, this.allowPrivate);
    if ('fault' in destination) {
      const reason = destination.blocked ? 'blocked_address' : 'invalid_recipient';
      return { outcome: 'failed', reason, answer: destination.fault, of: 'us' };
    }
    try {
      const endpoint = await this.endpoints.use(delivery.tenant_id, destination.url.href);
      if (endpoint.disabled) return { outcome: 'failed', reason: 'endpoint_disabled', of: 'us' };
      // the key is ours, so this does not count as a failure of the endpoint
      if (endpoint.headers === null) return SEALED_WITH_ANOTHER_KEY;
      const outcome = await this.sendTo(destination.url, endpoint, delivery, signal);
      await this.keepCount(delivery, endpoint, outcome);
      return outcome;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      // nothing was posted, because the secret for the signature could not be read
      return { ...storeAway(error), answer: 'The endpoint could not be read.' };
    }
  }

  private async sendTo(
    address: URL,
    endpoint: EndpointInUse,
    delivery: ClaimedDelivery,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const format = PAYLOAD_FORMATS[endpoint.format ?? formatOfHost(address.hostname)];
    const payload =
      endpoint.template === null
        ? format.write(delivery, address, this.options.publicUrl)
        : fromTemplate(endpoint.template, delivery, this.options.publicUrl);
    if ('fault' in payload)
      return { outcome: payload.again ? 'retry' : 'failed', reason: payload.reason, answer: payload.fault, of: 'us' };
    const posted = await post({
      url: payload.url ?? address,
      // our headers come last, so an endpoint's own headers replace none of them
      headers: { ...endpoint.headers, ...headersOf(payload, endpoint.secrets, delivery) },
      body: Buffer.from(payload.body),
      lookup: this.lookup,
      allowPrivate: this.allowPrivate,
      times: this.times,
      signal,
      ca: this.options.ca,
    });
    return judgeAnswer(posted, format.verdictOf);
  }

  /** Records success or failure of the endpoint. If that fails, the outcome of the attempt still counts. */
  private async keepCount(
    { tenant_id }: ClaimedDelivery,
    endpoint: EndpointInUse,
    outcome: SendOutcome,
  ): Promise<void> {
    const { endpoint_id, failing } = endpoint;
    try {
      if (outcome.outcome === 'sent') {
        if (failing) await this.endpoints.succeeded(tenant_id, endpoint_id);
        return;
      }
      const reason = await this.endpoints.failed(tenant_id, endpoint_id, {
        gone: outcome.outcome === 'failed' && outcome.reason === 'gone',
        disableAfterMs: this.options.disableAfterMs ?? 5 * DAY_MS,
        forgetAfterMs: FORGET_AFTER_MS,
      });
      if (reason) this.options.onDisabled?.({ tenant_id, endpoint_id, reason });
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
    }
  }
}

/** One signature for each secret, over the bytes that are sent and the time of this attempt. */
function headersOf(
  payload: Payload,
  secrets: readonly string[],
  { delivery_id, trace }: ClaimedDelivery,
): Record<string, string> {
  const now = new Date();
  const signatures = secrets.map((secret) => new Webhook(secret).sign(delivery_id, now, payload.body));
  return {
    'user-agent': 'Tocsin',
    ...payload.headers,
    'webhook-id': delivery_id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': signatures.join(' '),
    ...(trace && { traceparent: traceparentOf(trace) }),
  };
}
