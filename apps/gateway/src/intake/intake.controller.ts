import { All, Controller, Post, Req, Res } from '@nestjs/common';
import { Refused, type AlertMessage } from '@tocsin/contracts';
import { AlertIntake, type Receipt } from '@tocsin/contracts/ports';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Request, Response } from 'express';
import { LARGE_BODY, TakesBody } from '../body/body.interceptor';
import { GatewayConfig } from '../config';
import { preferredWait } from './preferred-wait';
import { PublishFailed } from './publish-failed';
import { readEvents } from './read-events';
import { ReceiptWatch } from './receipt-watch';

/** What became of a message that its publisher waited for. `seq` is null when it has no entry of its own. */
export interface SettledEvent {
  id: string;
  tenant_id: string;
  outcome: Receipt['outcome'];
  seq: number | null;
  /** Why it is dead. */
  reason?: string;
}

/**
 * `POST /api/v1/events`: publishes one message, up to 500, or what a webhook of another system holds. 202 means that the
 * queue has all of them durably; anything else that sending all of them again is safe, as long as they carry the same
 * ids. With `Prefer: wait=5` the answer is 201 with their numbers, if they leave the queue within that time.
 */
@Controller('api/v1/events')
export class IntakeController {
  constructor(
    private readonly intake: AlertIntake,
    private readonly receipts: ReceiptWatch,
    private readonly config: GatewayConfig,
  ) {}

  @Post()
  @Scopes('events:publish')
  @TakesBody(LARGE_BODY)
  async publish(@Req() request: Request, @Res({ passthrough: true }) response: Response, @Token() token: VerifiedToken): Promise<{ ids: string[] } | { events: SettledEvent[] }> {
    if (!request.is(['json', '+json'])) throw new Refused('unsupported_media_type', 'The body must be application/json.');
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const { messages, refusal } = await readEvents({ body, headers: request.headers, query: request.query }, this.config.MAX_EVENT_BYTES);
    checkTenants(messages, token, this.config.JWT_TENANTS_CLAIM);
    const outcomes = await this.intake.publish(messages, { traceparent: request.get('traceparent') });
    const confirmed = outcomes.filter(({ outcome }) => outcome === 'confirmed').map(({ id }) => id);
    if (confirmed.length < outcomes.length) throw new PublishFailed(confirmed);
    if (refusal) throw refusal;

    const seconds = preferredWait(request.get('Prefer'));
    const receipts = seconds > 0 ? await this.receipts.wait(messages, seconds * 1_000) : undefined;
    if (!receipts) {
      response.status(202);
      return { ids: confirmed };
    }
    response.status(201).set('Preference-Applied', `wait=${seconds}`);
    return { events: messages.map((message, index) => settledEvent(message, receipts[index]!)) };
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, POST');
    throw new Refused('method_not_allowed', 'Events are published with POST and read with GET.');
  }
}

function settledEvent({ id, tenant_id }: AlertMessage, receipt: Receipt): SettledEvent {
  const { outcome } = receipt;
  if (outcome === 'stored') return { id, tenant_id, outcome, seq: receipt.position.seq };
  return outcome === 'folded' ? { id, tenant_id, outcome, seq: null } : { id, tenant_id, outcome, seq: null, reason: receipt.reason };
}

/** A token that names its tenants publishes for no other. */
function checkTenants(messages: readonly AlertMessage[], token: VerifiedToken, claim: string | undefined): void {
  const named = claim ? token.claims[claim] : undefined;
  if (!Array.isArray(named)) return;
  const allowed = new Set(named.map((tenant: unknown) => (typeof tenant === 'object' && tenant !== null ? String((tenant as { id?: unknown }).id) : String(tenant))));
  const at = messages.findIndex(({ tenant_id }) => !allowed.has(tenant_id));
  if (at >= 0) throw new Refused('tenant_forbidden', 'The token does not publish for this tenant.', { errors: [{ pointer: `/${at}/tenant_id`, code: 'tenant_forbidden', detail: 'Not a tenant of this token.' }] });
}
