import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts a text so that only a holder of the key can read or make it: AES-256-GCM, base64url. */
export function seal(text: string, key: KeyObject): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** Reads what was sealed with any of the keys. Throws as `unseal` does. */
export function unsealWithAny(sealed: string, keys: readonly KeyObject[]): string {
  let failure: unknown;
  for (const key of keys) {
    try {
      return unseal(sealed, key);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Throws when the text was sealed with another key or was changed since. */
export function unseal(sealed: string, key: KeyObject): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
}
