import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { TenantId } from '@tocsin/contracts';

/** The endpoint that a secret or a sealed text belongs to. */
export interface EndpointIdentity {
  tenant_id: TenantId;
  endpoint_id: string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The secrets and headers of webhook endpoints, both protected by one key. Secrets are derived for each endpoint and
 * version, so none is stored. Headers are encrypted, and can be decrypted only for the same endpoint.
 */
export class WebhookSecrets {
  private readonly signing: Buffer;
  private readonly sealing: Buffer;

  /** `key`: at least 32 characters that cannot be guessed. */
  constructor(key: string) {
    const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', key, '', purpose, 32));
    this.signing = derive('tocsin webhook signing');
    this.sealing = derive('tocsin webhook headers');
  }

  /** The secret of a version, as Standard Webhooks writes it: `whsec_` and 32 bytes in base64. */
  secretOf(endpoint: EndpointIdentity, version: number): string {
    const bytes = createHmac('sha256', this.signing).update(nameOf(endpoint, version)).digest();
    return `whsec_${bytes.toString('base64')}`;
  }

  seal(endpoint: EndpointIdentity, text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.sealing, nonce).setAAD(Buffer.from(nameOf(endpoint)));
    return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
  }

  /** Throws when the text was sealed with another key or for another endpoint, or was changed. */
  open(endpoint: EndpointIdentity, sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.sealing, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(nameOf(endpoint))).setAuthTag(bytes.subarray(-TAG_BYTES));
    return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  }
}

/** As JSON, in which no two endpoints have the same name. */
const nameOf = ({ tenant_id, endpoint_id }: EndpointIdentity, ...more: number[]): string =>
  JSON.stringify([tenant_id, endpoint_id, ...more]);
