import { createSecretKey, type KeyObject } from 'node:crypto';
import type { AnnouncementLog } from './announce-entries';
import type { HintKey } from './hint-key';

/** How long to wait after the store had no key, before it is asked again. */
const TRY_AGAIN_MS = 1_000;

/**
 * The key that hints are signed with: the configured one, else the one that the system keeps, which is read at the
 * first use.
 */
export class SigningKey {
  private key: KeyObject | undefined;
  private reading: Promise<void> | undefined;
  private triedAt = -Infinity;
  private warned = false;

  constructor(
    configured: string | undefined,
    private readonly kept: HintKey | undefined,
    /** Is told once, when the store had no key for the first time. */
    private readonly log: Pick<AnnouncementLog, 'warn'>,
  ) {
    if (configured) this.key = createSecretKey(Buffer.from(configured));
  }

  /** The key; undefined while none is known. */
  get current(): KeyObject | undefined {
    return this.key;
  }

  /** The key, after a look into the store if none is known. Never rejects. */
  async find(): Promise<KeyObject | undefined> {
    if (!this.key && this.kept && performance.now() - this.triedAt >= TRY_AGAIN_MS)
      this.reading ??= this.read(this.kept).finally(() => (this.reading = undefined));
    await this.reading;
    return this.key;
  }

  private async read(kept: HintKey): Promise<void> {
    try {
      this.key = createSecretKey(Buffer.from(await kept.read()));
    } catch (error) {
      this.triedAt = performance.now();
      if (!this.warned)
        this.log.warn(
          { err: error },
          'no key for hints could be read: they go without their entries, and gateways read the log for each',
        );
      this.warned = true;
    }
  }
}
