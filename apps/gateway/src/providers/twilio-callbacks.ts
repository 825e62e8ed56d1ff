import { LRUCache } from 'lru-cache';
import type { IncomingHttpHeaders } from 'node:http';
import { Refused } from '@tocsin/contracts';
import { isSignedByTwilio, TWILIO_SIGNATURE } from '@tocsin/phones';
import { clientAddress } from '../request/client-address';

/** After this many forged callbacks within a minute, callbacks of a client address are refused unread. */
const MAX_FORGED = 20;
const FORGED_FOR_MS = 60_000;
/** The most client addresses that are counted. Beyond it, the address with the oldest forgery is forgotten. */
const MAX_ADDRESSES = 10_000;

interface CalledBack {
  headers: IncomingHttpHeaders;
  socket: { remoteAddress?: string | undefined };
  /** The path and query of the request. */
  originalUrl: string;
  body: unknown;
}

interface TwilioCallbackSettings {
  TWILIO_ACCOUNT_SID?: string | undefined;
  TWILIO_AUTH_TOKEN?: string | undefined;
  /** PUBLIC_URL ends with it, and so do the addresses of requests begin. */
  BASE_PATH?: string;
  PUBLIC_URL?: string | undefined;
  TRUSTED_PROXIES: number;
}

/**
 * Recognises the callbacks of Twilio by their signature, which covers the whole address and the form. The address
 * begins with PUBLIC_URL and never with the Host header, because proxies replace that header and callers can choose it.
 */
export class TwilioCallbacks {
  private readonly forged = new LRUCache<string, number>({
    max: MAX_ADDRESSES,
    ttl: FORGED_FOR_MS,
    // the minute starts at the first forgery: otherwise a few of them a minute would keep an address refused for ever
    noUpdateTTL: true,
  });

  constructor(private readonly settings: TwilioCallbackSettings) {}

  /** Throws `Refused`: `not_found` when Twilio is not configured, `rate_limited`, `invalid_signature`. */
  checkHead(request: Pick<CalledBack, 'headers' | 'socket'>, signature: unknown): void {
    const { TWILIO_AUTH_TOKEN, PUBLIC_URL } = this.settings;
    if (TWILIO_AUTH_TOKEN === undefined || PUBLIC_URL === undefined)
      throw new Refused('not_found', 'Twilio is not configured here: it needs TWILIO_AUTH_TOKEN and PUBLIC_URL.');
    const address = this.addressOf(request);
    if ((this.forged.get(address) ?? 0) >= MAX_FORGED)
      throw new Refused('rate_limited', 'Too many unsigned callbacks came from this address.');
    if (typeof signature !== 'string' || signature === '') throw this.forgedBy(address, 'The callback is not signed.');
  }

  /** The form of a callback. Throws `Refused` (`invalid_signature`) when Twilio has not signed it for this address. */
  formOf(request: CalledBack): URLSearchParams {
    const { BASE_PATH = '', TWILIO_AUTH_TOKEN, TWILIO_ACCOUNT_SID, PUBLIC_URL } = this.settings;
    const form = new URLSearchParams(Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '');
    const signature = String(request.headers[TWILIO_SIGNATURE]);
    if (
      !isSignedByTwilio(TWILIO_AUTH_TOKEN!, signature, PUBLIC_URL! + request.originalUrl.slice(BASE_PATH.length), form)
    )
      throw this.forgedBy(this.addressOf(request), 'Twilio has not signed this callback for this address.');
    if (form.get('AccountSid') !== TWILIO_ACCOUNT_SID)
      throw this.forgedBy(this.addressOf(request), 'The callback is about another account.');
    return form;
  }

  private addressOf(request: Pick<CalledBack, 'headers' | 'socket'>): string {
    return clientAddress(request, this.settings.TRUSTED_PROXIES);
  }

  private forgedBy(address: string, detail: string): Refused {
    this.forged.set(address, (this.forged.get(address) ?? 0) + 1);
    return new Refused('invalid_signature', detail);
  }
}
