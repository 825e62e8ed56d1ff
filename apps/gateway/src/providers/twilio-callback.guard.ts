import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { TWILIO_SIGNATURE } from '@tocsin/phones';
import { TwilioCallbacks } from './twilio-callbacks';

/**
 * Refuses a callback before its body is read: when Twilio is not configured here, when the callback is unsigned, or
 * when its client address has sent too many forged ones.
 */
@Injectable()
export class TwilioCallbackGuard implements CanActivate {
  constructor(private readonly callbacks: TwilioCallbacks) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    this.callbacks.checkHead(request, request.headers[TWILIO_SIGNATURE]);
    return true;
  }
}
