import {
  ENDPOINT_DISABLED_REASONS,
  WEBHOOK_FORMATS,
  type WebhookEndpoint,
  type WebhookSecret,
} from '@tocsin/contracts';
import { integer, list, nullable, object, oneOf, text, time, uuid, type Schema } from '../description/json-schema';
import { shownAddress, tenantId } from '../description/wire-fields';

/** The schemas of the addresses of webhooks, and of their secrets. */
export const WEBHOOK_SCHEMAS = {
  WebhookEndpoint: object<WebhookEndpoint>(
    {
      endpoint_id: uuid(),
      tenant_id: tenantId,
      url: shownAddress,
      format: nullable(oneOf(WEBHOOK_FORMATS, 'Null: the host of the address decides.')),
      template: nullable(text('The template that writes the bodies; null: the format does.')),
      header_names: list(text(), { description: 'The names of additional headers. Their values are never shown.' }),
      secret_version: integer('1, 2, 3 …: how often a secret was made.', { minimum: 1 }),
      rotated_at: nullable(
        time('When the secret was last rotated. The previous secret still signs for 24 hours after it.'),
      ),
      failing_since: nullable(time('The time since which every attempt has failed.')),
      disabled_at: nullable(time('The time since which nothing is sent to it.')),
      disabled_reason: nullable(oneOf(ENDPOINT_DISABLED_REASONS)),
      owner: nullable(text('The user who configured it.')),
      created_at: time(),
    },
    { description: 'An address to which webhooks of a tenant are posted.' },
  ),
  WebhookSecret: object<WebhookSecret>(
    {
      endpoint_id: uuid(),
      secret: text('As Standard Webhooks writes it.', { pattern: '^whsec_' }),
      secret_version: integer(undefined, { minimum: 1 }),
      previous_secret: nullable(text('The previous secret, which also signs until `previous_until`.')),
      previous_until: nullable(time()),
    },
    { description: 'What a receiver needs to verify signatures.' },
  ),
} satisfies Record<string, Schema>;
