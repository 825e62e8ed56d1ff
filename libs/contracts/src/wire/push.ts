import type { Severity } from './alert-values';

/** A browser's subscription, with the fields of a page's `PushSubscription.toJSON()`. */
export interface PushKeys {
  /** The address of the browser's push service. A sender needs nothing else, so it is treated as a secret. */
  endpoint: string;
  /** The browser's public key and its secret for this subscription, in base64url. */
  p256dh: string;
  auth: string;
}

/** The body of `PUT /api/v1/push`. */
export interface PushSubscribe extends PushKeys {
  /** For which tenants of the user. Default: all. It replaces what this browser was subscribed to before. */
  tenants?: string[];
}

/** One browser of the user. */
export interface PushBrowser {
  /** SHA-256 of the endpoint, in hexadecimal: a page recognises its own browser by it. */
  browser_id: string;
  tenants: string[];
  /** When it last said that it is subscribed. */
  renewed_at: string;
  /** Without another renewal it is forgotten then. */
  expires_at: string;
}

/** What `GET`, `PUT` and `DELETE /api/v1/push` answer. */
export interface PushState {
  /** The key with which a page subscribes (base64url); null: this Tocsin sends no push messages. */
  public_key: string | null;
  browsers: PushBrowser[];
}

/** What a service worker gets, encrypted for it. */
export interface PushPayload {
  delivery_id: string;
  tenant_id: string;
  /** The alert and its entry; null for a notification. */
  alert_id: string | null;
  seq: number | null;
  severity: Severity;
  title: string;
  body: string;
  /** When the delivery was planned, in milliseconds since 1970. */
  at: number;
}
