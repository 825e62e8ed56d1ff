import { TicketStore } from '@tocsin/contracts/ports';
import type { RedisConnection } from './connection';

const REDEEM_TIMEOUT_MS = 600;
/** A ticket is remembered for longer than it lives: clocks differ, and it must not be new again for one that is behind. */
const MARGIN_MS = 60_000;

/** What was redeemed, in Redis, for all gateways: `SET NX` decides between two at once. */
export class RedisTicketStore extends TicketStore {
  constructor(
    private readonly commands: RedisConnection,
    private readonly prefix: string,
  ) {
    super();
  }

  override async redeem(jti: string, expiresAt: Date): Promise<boolean> {
    const rememberedForMs = Math.max(0, expiresAt.getTime() - Date.now()) + MARGIN_MS;
    const answer = await this.commands.run('tickets', REDEEM_TIMEOUT_MS, (client) =>
      client.set(`${this.prefix}ticket:${jti}`, '1', 'PX', rememberedForMs, 'NX'),
    );
    return answer === 'OK';
  }
}
