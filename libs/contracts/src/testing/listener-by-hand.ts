import type { Delivery, DeliveryListener, DeliverySession } from '../ports';

/** Takes what one queue delivers and settles nothing by itself: a test does, by `session`. */
export class ListenerByHand implements DeliveryListener {
  readonly deliveries: Delivery[] = [];
  session!: DeliverySession;
  losses = 0;
  /** Opening a session waits for it. */
  wanted = Promise.resolve();
  idle = true;

  constructor(private readonly onDelivery: (delivery: Delivery, session: DeliverySession) => void = () => undefined) {}

  untilWanted(): Promise<void> {
    return this.wanted;
  }

  opened(session: DeliverySession): void {
    this.session = session;
  }

  delivered(delivery: Delivery): void {
    this.deliveries.push(delivery);
    this.onDelivery(delivery, this.session);
  }

  lost(): void {
    this.losses += 1;
  }
}
