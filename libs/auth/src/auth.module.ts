import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { AccessChanges, TenantDirectory, TicketStore } from '@tocsin/contracts/ports';
import { Health, Log, Metrics } from '@tocsin/observability';
import { Memberships } from './memberships';
import { Revocations } from './revocations';
import type { AuthSettings } from './settings';
import { ClaimTenantDirectory } from './tenant-directory.claim';
import { HttpTenantDirectory } from './tenant-directory.http';
import { Tickets } from './tickets';
import { TokenGuard } from './token.guard';
import { TokenVerifier } from './token-verifier';

interface AuthOptions {
  settings: AuthSettings;
  /** Exports `TenantDirectory`, `TicketStore` and `AccessChanges`. */
  adapters: DynamicModule;
  /** The process's one `ObservabilityModule`. */
  observability: DynamicModule;
}

/** The directory that the settings ask for: the tenant service, else the token's claim; undefined when they name neither. */
export function tenantDirectoryFrom(
  settings: Pick<AuthSettings, 'TENANT_SERVICE_URL' | 'TENANT_SERVICE_TOKEN' | 'JWT_TENANTS_CLAIM'>,
): TenantDirectory | undefined {
  const { TENANT_SERVICE_URL: url, TENANT_SERVICE_TOKEN: token, JWT_TENANTS_CLAIM: claim } = settings;
  if (url) return new HttpTenantDirectory({ url, token });
  return claim ? new ClaimTenantDirectory(claim) : undefined;
}

/** Who asks, and what they may see. Settings must have passed `checkAuthSettings`. */
@Module({})
export class AuthModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly revocations: Revocations) {}

  static forRoot({ settings, adapters, observability }: AuthOptions): DynamicModule {
    const {
      JWT_SECRET,
      JWT_SECRET_PREVIOUS,
      JWT_JWKS_URL,
      TICKET_SECRET,
      TENANT_SERVICE_URL,
      TENANT_SERVICE_TOKEN,
      JWT_TENANTS_CLAIM,
    } = settings;
    const ticketOptions = {
      secrets: (TICKET_SECRET ? [TICKET_SECRET] : [JWT_SECRET, JWT_SECRET_PREVIOUS]).filter(
        (secret) => secret !== undefined,
      ),
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
            // Without keys nobody can be let in, so the start waits for them.
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
            // Without it those can still be let in who were here before.
            if (TENANT_SERVICE_URL) health.add('tenant_service', () => memberships.check(), { critical: false });
            return memberships;
          },
          inject: [TenantDirectory, Metrics, Health],
        },
        {
          provide: Revocations,
          useFactory: (accessChanges: AccessChanges, log: Log, health: Health) => {
            const revocations = new Revocations(accessChanges, log);
            // Nobody is let in before it is known who must not be.
            health.add('revocations', () => revocations.loaded(), { critical: true });
            return revocations;
          },
          inject: [AccessChanges, Log, Health],
        },
        TokenGuard,
      ],
      exports: [TokenVerifier, Tickets, Memberships, Revocations, TokenGuard],
    };
  }

  onApplicationBootstrap(): Promise<void> {
    return this.revocations.start();
  }

  /** After the streams have drained, which may be revoked to their last second, and before the store is closed. */
  beforeApplicationShutdown(): Promise<void> {
    return this.revocations.stop();
  }
}
