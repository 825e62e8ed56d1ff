import { JwtService } from '@nestjs/jwt';
import { createSecretKey } from 'node:crypto';
import type { Scope } from './scopes';

interface TokenRequest {
  user_id: string;
  expiresInSeconds: number;
  scopes?: readonly Scope[];
  issuer?: string | undefined;
  audience?: string | undefined;
  /** Further claims, such as a list of tenants. */
  claims?: Readonly<Record<string, unknown>>;
}

/** Makes an HS256 token as `TokenVerifier` accepts it: for the command line and the standalone's demo. */
export function signToken(
  secret: string,
  { user_id, expiresInSeconds, scopes, issuer, audience, claims }: TokenRequest,
): string {
  return new JwtService({ secret: createSecretKey(secret, 'utf8') }).sign(
    {
      ...claims,
      sub: user_id,
      user_id,
      ...(scopes ? { scope: scopes.join(' ') } : {}),
      ...(issuer ? { iss: issuer } : {}),
      ...(audience ? { aud: audience } : {}),
    },
    { algorithm: 'HS256', expiresIn: expiresInSeconds },
  );
}
