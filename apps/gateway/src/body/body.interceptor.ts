import { UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { AuthenticatedRequest } from '@tocsin/auth';
import type { Observable } from 'rxjs';
import type { RequestWithBody } from './request-bodies';

/** Enough for a request about a few hundred things. Each reader has a bound of its own below it. */
export const SMALL_BODY = 64 * 1024;
/** A batch of 500 messages fits if they are of the usual size; a larger one is sent in parts. */
export const LARGE_BODY = 8 * 1024 * 1024;

/**
 * A route that takes a body, and how large a one. It is read here and nowhere else, as bytes in `request.body`; the body of
 * any other route is not read at all.
 *
 * Guards come before it, so with `@Scopes(…)` (or any other guard that finds out who calls by the head of the request) not
 * a byte is read of whoever may not send it. Where the credential stands in the body, the route has no such guard, takes
 * at most 512 KiB and looks at the credential first of all; such bodies share a quarter of the memory that there is.
 */
export const TakesBody = (maxBytes: number) => UseInterceptors(new BodyReader(maxBytes));

class BodyReader implements NestInterceptor {
  constructor(private readonly maxBytes: number) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<RequestWithBody & Partial<AuthenticatedRequest>>();
    const body = await request.readBody?.(this.maxBytes, request.verifiedToken !== undefined);
    if (body) request.body = body;
    return next.handle();
  }
}
