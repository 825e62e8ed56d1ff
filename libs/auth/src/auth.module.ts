import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { AccessChanges, SessionStore, TenantDirectory, TicketStore } from '@tocsin/contracts/ports';
import { Health, Log, Metrics } from '@tocsin/observability';
import { Memberships } from './memberships';
import { OidcProvider } from './oidc-provider';
import { Revocations } from './revocations';
import { SessionCookies } from './session-cookies';
import { SessionDoor, type SignInParts } from './session-door';
import { Sessions } from './sessions';
import type { AuthSettings } from './settings';
import { SignIn } from './sign-in';
import { ClaimTenantDirectory } from './tenant-directory.claim';
import { HttpTenantDirectory } from './tenant-directory.http';
import { Tickets } from './tickets';
import { TokenGuard } from './token.guard';
import { TokenVerifier } from './token-verifier';

interface AuthOptions {
  settings: AuthSettings;
  /** Exports `TenantDirectory`, `TicketStore` and `AccessChanges`, and `SessionStore` where people sign in. */
  adapters: DynamicModule;
  /** The process's one `ObservabilityModule`. */
  observability: DynamicModule;
}

/**
 * The directory that the settings choose: the tenant service, else the token's claim; undefined when neither is set.
 */
export function tenantDirectoryFrom(
  settings: Pick<AuthSettings, 'TENANT_SERVICE_URL' | 'TENANT_SERVICE_TOKEN' | 'JWT_TENANTS_CLAIM'>,
): TenantDirectory | undefined {
  const { TENANT_SERVICE_URL: url, TENANT_SERVICE_TOKEN: token, JWT_TENANTS_CLAIM: claim } = settings;
  if (url) return new HttpTenantDirectory({ url, token });
  return claim ? new ClaimTenantDirectory(claim) : undefined;
}

/** The secrets of tickets, cookies and sessions, the newest first. */
const ticketSecretsOf = ({ TICKET_SECRET, TICKET_SECRET_PREVIOUS, ...settings }: AuthSettings): string[] =>
  (TICKET_SECRET
    ? [TICKET_SECRET, TICKET_SECRET_PREVIOUS]
    : [settings.JWT_SECRET, settings.JWT_SECRET_PREVIOUS]
  ).filter((secret) => secret !== undefined);

/** The parts of sign-in; undefined without an OpenID provider. The settings must have passed `checkAuthSettings`. */
function signInParts(
  settings: AuthSettings,
  store: SessionStore,
  verifier: TokenVerifier,
  revocations: Revocations,
): SignInParts | undefined {
  const { OIDC_ISSUER, OIDC_CLIENT_ID, PUBLIC_URL, TICKET_SECRET, CORS_ORIGINS = [] } = settings;
  if (!OIDC_ISSUER || !OIDC_CLIENT_ID || !PUBLIC_URL || !TICKET_SECRET) return undefined;
  const provider = new OidcProvider({ ...settings, OIDC_ISSUER, OIDC_CLIENT_ID, PUBLIC_URL });
  return {
    cookies: new SessionCookies(PUBLIC_URL),
    signIn: new SignIn(provider, ticketSecretsOf(settings)),
    sessions: new Sessions(store, provider, verifier, revocations, {
      secrets: ticketSecretsOf(settings),
      idleMs: settings.SESSION_IDLE_MS!,
      maxMs: settings.SESSION_MAX_MS!,
    }),
    // * allows any page to read, never to act as the person who is signed in
    origins: new Set([new URL(PUBLIC_URL).origin, ...CORS_ORIGINS.filter((origin) => origin !== '*')]),
  };
}

/** Verifies tokens and finds the tenants of a user. The settings must have passed `checkAuthSettings`. */
@Module({})
export class AuthModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly revocations: Revocations) {}

  static forRoot({ settings, adapters, observability }: AuthOptions): DynamicModule {
    const { JWT_JWKS_URL, TENANT_SERVICE_URL, TENANT_SERVICE_TOKEN, JWT_TENANTS_CLAIM } = settings;
    const ticketOptions = {
      secrets: ticketSecretsOf(settings),
      carriedClaims: JWT_TENANTS_CLAIM ? [JWT_TENANTS_CLAIM] : [],
      carriesToken: TENANT_SERVICE_URL !== undefined && TENANT_SERVICE_TOKEN === undefined,
    };
    return {
      module: AuthModule,
      imports: [adapters, observability],
      providers: [
        {
          provide: TokenVerifier,
          useFactory: (health: Health) => {
            const verifier = new TokenVerifier(settings);
            // No token can be verified without keys, so the start waits for them.
            if (JWT_JWKS_URL) health.add('jwks', () => verifier.checkKeys(), { critical: true });
            return verifier;
          },
          inject: [Health],
        },
        {
          provide: Tickets,
          useFactory: (store: TicketStore) => new Tickets(store, ticketOptions),
          inject: [TicketStore],
        },
        {
          provide: Memberships,
          useFactory: (directory: TenantDirectory, metrics: Metrics, health: Health) => {
            const memberships = new Memberships(directory, metrics, {
              cached: !(directory instanceof ClaimTenantDirectory),
              perToken: TENANT_SERVICE_URL !== undefined && TENANT_SERVICE_TOKEN === undefined,
            });
            // Not critical: without the tenant service, users with a cached answer can still be admitted.
            if (TENANT_SERVICE_URL) health.add('tenant_service', () => memberships.check(), { critical: false });
            return memberships;
          },
          inject: [TenantDirectory, Metrics, Health],
        },
        {
          provide: Revocations,
          useFactory: (accessChanges: AccessChanges, log: Log, health: Health) => {
            const revocations = new Revocations(accessChanges, log);
            // No request is admitted before the revocations are loaded, and it must be seen when new ones are not read.
            health.add('revocations', () => revocations.readLately(), { critical: true });
            return revocations;
          },
          inject: [AccessChanges, Log, Health],
        },
        {
          provide: SessionDoor,
          useFactory: (verifier: TokenVerifier, revocations: Revocations, store?: SessionStore) =>
            new SessionDoor(store && signInParts(settings, store, verifier, revocations)),
          inject: [TokenVerifier, Revocations, { token: SessionStore, optional: true }],
        },
        TokenGuard,
      ],
      exports: [TokenVerifier, Tickets, Memberships, Revocations, SessionDoor, TokenGuard],
    };
  }

  onApplicationBootstrap(): Promise<void> {
    return this.revocations.start();
  }

  /** Runs after the streams have drained, which may be revoked until they end, and before the store is closed. */
  beforeApplicationShutdown(): Promise<void> {
    return this.revocations.stop();
  }
}
