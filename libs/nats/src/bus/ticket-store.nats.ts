import { hash } from 'node:crypto';
import { JetStreamApiError } from '@nats-io/jetstream';
import { TicketStore } from '@tocsin/contracts/ports';
import type { NatsConnection } from '../connection';
import { isStreamMissing, jetstreamOf } from '../jetstream-admin';
import type { BusStreams } from './bus-streams';

const REDEEM_WITHIN_MS = 600;
/** The code with which JetStream refuses a message whose subject has one already. */
const SUBJECT_IS_TAKEN = 10_071;

/**
 * The redeemed tickets in JetStream, for all gateways: a message for each, which is stored only where its subject has
 * none. It is kept for ten minutes, which no ticket lives.
 */
export class NatsTicketStore extends TicketStore {
  constructor(
    private readonly connection: NatsConnection,
    private readonly streams: BusStreams,
  ) {
    super();
  }

  override redeem(jti: string): Promise<boolean> {
    return this.connection.run('tickets', REDEEM_WITHIN_MS, async () => {
      try {
        return await this.#store(jti);
      } catch (error) {
        if (!isStreamMissing(error)) throw error;
        await this.streams.prepare();
        return this.#store(jti);
      }
    });
  }

  async #store(jti: string): Promise<boolean> {
    // a hash, because a token of a subject takes fewer characters than an id
    const subject = this.streams.subject('tickets', hash('sha256', jti, 'base64url'));
    try {
      await jetstreamOf(this.connection.client).publish(subject, undefined, {
        expect: { lastSubjectSequence: 0 },
        timeout: REDEEM_WITHIN_MS,
      });
      return true;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === SUBJECT_IS_TAKEN) return false;
      throw error;
    }
  }
}
