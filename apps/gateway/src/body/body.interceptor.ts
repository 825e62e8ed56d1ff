import { UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { AuthenticatedRequest } from '@tocsin/auth';
import { Refused } from '@tocsin/contracts';
import type { Observable } from 'rxjs';
import { jsonBodyOf, jsonObjectOf } from '../request/json-object';
import type { RequestWithBody } from './request-bodies';

/** Enough for one message. In bytes. */
export const SMALL_BODY = 64 * 1024;
/**
 * Enough for one event of another system, which may list all alerts of a group: Alertmanager leaves the details of an
 * event for PagerDuty out only beyond 512,000 bytes. In bytes.
 */
export const EVENT_BODY = 512 * 1024;
/** A batch of 500 messages of the usual size fits; a larger batch must be sent in parts. In bytes. */
export const LARGE_BODY = 8 * 1024 * 1024;

/**
 * Marks a route that takes a body, with its largest size. Bodies are read only here, as bytes in `request.body`; the
 * body of any other route is not read at all.
 *
 * Guards run first. With `@Scopes(…)`, or any other guard that identifies the caller from the request's head, no byte
 * is read from a caller that may not send one. A route whose credential is in the body has no such guard: it takes at
 * most 512 KiB and checks the credential before anything else. Such bodies share a quarter of the memory for bodies.
 */
export const TakesBody = (maxBytes: number) => UseInterceptors(new BodyReader(maxBytes));

class BodyReader implements NestInterceptor {
  constructor(private readonly maxBytes: number) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<RequestWithBody & Partial<AuthenticatedRequest>>();
    const body = await request.readBody?.(this.maxBytes, request.verifiedToken !== undefined);
    // A body takes up to 30 s. A revocation that is known by now counts for what the body asks for.
    request.judgeAgain?.();
    if (body) request.body = body;
    return next.handle();
  }
}

/**
 * The same for a body that is one JSON object, which `@Body()` then converts into the class of its argument. A missing
 * body counts as an object without fields, unless a body is `required`.
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
