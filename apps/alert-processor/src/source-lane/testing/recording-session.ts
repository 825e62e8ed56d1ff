import type { Delivery, DeliverySession } from '@tocsin/contracts/ports';

/** Records each call, with the body of its message. */
export class RecordingSession implements DeliverySession {
  readonly told: string[] = [];

  acknowledgeUpTo(last: Delivery): void {
    this.tell('up to', last);
  }

  acknowledge(delivery: Delivery): void {
    this.tell('ack', delivery);
  }

  giveBack(delivery: Delivery): void {
    this.tell('back', delivery);
  }

  park(delivery: Delivery): void {
    this.tell('park', delivery);
  }

  private tell(what: string, { message: { body } }: Delivery): void {
    this.told.push(`${what} ${body.length > 20 ? 'large' : body.toString()}`);
  }
}

export const deliveryOf = (body: string, returns = 0): Delivery => ({
  message: { body: Buffer.from(body), redelivered: returns > 0 },
  returns,
});
