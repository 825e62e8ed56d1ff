import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { PeerPublisher } from './peer-publisher';

/**
 * Checks the key that Opsgenie's clients send in the head of a request, so that no body is read from a caller without
 * one.
 */
@Injectable()
export class OpsgenieKeyGuard implements CanActivate {
  constructor(private readonly publishers: PeerPublisher) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    await this.publishers.admit(context.switchToHttp().getRequest<Request>());
    return true;
  }
}
