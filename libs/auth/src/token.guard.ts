import {
  applyDecorators,
  createParamDecorator,
  Injectable,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import { bearerToken } from './bearer-token';
import { judgeToken } from './judge-token';
import { SessionDoor } from './session-door';
import { Revocations } from './revocations';
import type { Scope } from './scopes';
import { TokenVerifier, type VerifiedToken } from './token-verifier';

const SCOPES_KEY = 'tocsin:scopes';

/** A request that has passed the guard, or another that calls `admit`. */
export interface AuthenticatedRequest extends IncomingMessage {
  readonly verifiedToken: VerifiedToken;
  /**
   * Judges the token again, by what is known now. For what comes long after the guard: the token, its user or its
   * session may have been revoked since. Throws as `judgeToken`.
   */
  readonly judgeAgain: () => void;
}

/**
 * Admits a request with this token. Every guard that identifies the caller from the head of a request does it here, so
 * that none leaves a token that cannot be judged again. Throws as `judgeToken`.
 */
export function admit(
  request: IncomingMessage,
  verifiedToken: VerifiedToken,
  revocations: Pick<Revocations, 'isRevoked'>,
  needed: readonly Scope[],
): void {
  const judgeAgain = () => judgeToken(verifiedToken, revocations, needed);
  judgeAgain();
  Object.assign(request, { verifiedToken, judgeAgain } satisfies Partial<AuthenticatedRequest>);
}

/**
 * Admits a request with a valid token that was not revoked and has the scopes of the route. The token is in the
 * `Authorization` header, or is that of the session whose cookie came; the header counts when both are there. Throws
 * `Refused` or `Unavailable`; the problem filter makes the response.
 */
@Injectable()
export class TokenGuard implements CanActivate {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly revocations: Revocations,
    private readonly reflector: Reflector,
    private readonly sessions: SessionDoor,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<IncomingMessage>();
    const needed = scopesOfRoute(this.reflector, context.getHandler(), context.getClass()) ?? [];
    const sent = bearerToken(request);
    const ofSession = sent === undefined ? await this.sessions.tokenOf(request) : undefined;
    admit(request, ofSession ?? (await this.verifier.verify(sent)), this.revocations, needed);
    return true;
  }
}

/** Guards a route or a controller: a valid token with all of these scopes. Without scopes any valid token is enough. */
export const Scopes = (...scopes: Scope[]) => applyDecorators(SetMetadata(SCOPES_KEY, scopes), UseGuards(TokenGuard));

/** The scopes that `@Scopes(…)` at the route, or else at its controller, names; undefined when neither has it. */
export const scopesOfRoute = (
  reflector: Reflector,
  route: ReturnType<ExecutionContext['getHandler']>,
  controller: Type,
): readonly Scope[] | undefined => reflector.getAllAndOverride(SCOPES_KEY, [route, controller]);

/** The verified token of a guarded route, as a parameter. */
export const Token = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<AuthenticatedRequest>().verifiedToken,
);
