import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '@tocsin/settings';
import type { TokenConfig } from './config';

export interface SigningSecret {
  secret: string;
  /** Where it comes from, for a person: a variable or a file, never the secret. */
  origin: string;
}

/** What tokens are signed with: JWT_SECRET, else what the standalone keeps. Throws `ConfigurationError` when there is neither. */
export function signingSecret({
  JWT_SECRET,
  JWT_JWKS_URL,
  DATA_DIR,
}: Pick<TokenConfig, 'JWT_SECRET' | 'JWT_JWKS_URL' | 'DATA_DIR'>): SigningSecret {
  if (JWT_SECRET) return { secret: JWT_SECRET, origin: 'JWT_SECRET' };
  if (JWT_JWKS_URL)
    throw new ConfigurationError([
      'JWT_JWKS_URL is set, so tokens come from its issuer; publishing takes one from TOCSIN_TOKEN.',
    ]);
  const file = join(DATA_DIR, 'jwt-secret');
  try {
    return { secret: readFileSync(file, 'utf8').trim(), origin: file };
  } catch {
    throw new ConfigurationError([
      `There is no secret to sign a token with: JWT_SECRET is unset, and ${file} cannot be read. \`npm start\` makes one and keeps it there.`,
    ]);
  }
}
