import { SetMetadata, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { from, switchMap, type Observable } from 'rxjs';
import { readBody, type BodyBudget } from './request-bodies';

/** A batch of 500 messages fits if they are of the usual size; a larger one is sent in parts. */
const LARGE_BODY_BYTES = 8 * 1024 * 1024;
/** Several times what a search or a bulk act needs, or one message of another system. */
const BODY_BYTES = 256 * 1024;

const LARGE_BODY = 'tocsin:large-body';

/** A route whose body may be 8 MiB; all others read 256 KiB. */
export const LargeBody = () => SetMetadata(LARGE_BODY, true);

/**
 * Reads the body of a request as bytes, for routes to find at `request.body`. It stands behind the router and the guards: a path
 * that is not known and a credential that is not valid are answered before a byte of the body is kept.
 */
export class RequestBodyInterceptor implements NestInterceptor {
  private readonly reflector = new Reflector();

  constructor(private readonly budget: BodyBudget) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    const isLarge = this.reflector.get<true | undefined>(LARGE_BODY, context.getHandler()) === true;
    return from(readBody(request, response, isLarge ? LARGE_BODY_BYTES : BODY_BYTES, this.budget)).pipe(
      switchMap((body) => {
        request.body = body;
        return next.handle();
      }),
    );
  }
}
