/** How a webhook's body is written: for a program that verifies signatures, or for a chat that people read. */
export const WEBHOOK_FORMATS = ['standard', 'slack', 'teams', 'telegram', 'ntfy'] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];

/** Why an endpoint is switched off. */
export const ENDPOINT_DISABLED_REASONS = [
  'gone', // it answered 410
  'failing', // nothing but failures for days
  'by_request', // a user switched it off
] as const;
export type EndpointDisabledReason = (typeof ENDPOINT_DISABLED_REASONS)[number];

/**
 * An address to which a tenant's webhooks are posted. It exists from its first use, or from its first configuration.
 */
export interface WebhookEndpoint {
  endpoint_id: string;
  tenant_id: string;
  url: string;
  /** Null: chosen by the host of the address. */
  format: WebhookFormat | null;
  /** A Liquid template that writes the bodies in place of the format; null: the format does. */
  template: string | null;
  /** The names of the headers that are sent in addition. Their values are secrets and are never shown. */
  header_names: string[];
  /** 1, 2, 3 …: how often a secret was made. */
  secret_version: number;
  /** When the present secret replaced the one before, which signs beside it for 24 hours; null: never. */
  rotated_at: string | null;
  /** Since when every attempt has failed; null when the last one succeeded. */
  failing_since: string | null;
  /** Since when nothing is sent; null while it is on. */
  disabled_at: string | null;
  disabled_reason: EndpointDisabledReason | null;
  /** The user who configured it; null until a user does. */
  owner: string | null;
  created_at: string;
}

/** What a receiver needs to verify signatures. */
export interface WebhookSecret {
  endpoint_id: string;
  /** `whsec_` and base64, as Standard Webhooks writes it. */
  secret: string;
  secret_version: number;
  /** The secret before it, while it still signs too; null otherwise. */
  previous_secret: string | null;
  previous_until: string | null;
}
