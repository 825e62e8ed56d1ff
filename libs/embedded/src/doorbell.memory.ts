import { Doorbell, type Subscription } from '@tocsin/contracts/ports';

/** The doorbell inside one process. Rings of one turn of the event loop arrive as one, in a later turn. */
export class MemoryDoorbell extends Doorbell {
  private readonly listeners = new Set<() => void>();
  private ringing: NodeJS.Immediate | undefined;

  override ring(): Promise<void> {
    this.ringing ??= setImmediate(() => {
      this.ringing = undefined;
      for (const listener of [...this.listeners]) listener();
    });
    return Promise.resolve();
  }

  override onRing(listener: () => void): Promise<Subscription> {
    const own = () => listener();
    this.listeners.add(own);
    return Promise.resolve({ close: () => void this.listeners.delete(own) });
  }
}
