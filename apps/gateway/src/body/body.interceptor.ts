import { UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { AuthenticatedRequest } from '@tocsin/auth';
import { Refused } from '@tocsin/contracts';
import type { Observable } from 'rxjs';
import { jsonBodyOf, jsonObjectOf } from '../request/json-object';
import type { RequestWithBody } from './request-bodies';

/** Enough for one event of another system. */
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

/**
 * The same for a body that is one JSON object, which `@Body()` then reads into the class of its argument. No body at all is
 * an object without fields, unless one is `required`.
 */
export const TakesJson = (maxBytes: number, { required = false } = {}) =>
  UseInterceptors(new BodyReader(maxBytes), new JsonReader(required));

class JsonReader implements NestInterceptor {
  constructor(private readonly required: boolean) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<RequestWithBody>();
    if (this.required && !request.is(['json', '+json']))
      throw new Refused('unsupported_media_type', 'The body must be application/json.');
    const bytes = jsonBodyOf(request);
    request.body = bytes.length === 0 && !this.required ? {} : jsonObjectOf(bytes);
    return next.handle();
  }
}
