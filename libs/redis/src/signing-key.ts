import { createSecretKey, type KeyObject } from 'node:crypto';
import type { HintKey } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';

/** How long to leave a store alone that had no key to give. */
const TRY_AGAIN_MS = 1_000;

/** What hints are signed with: the key of the configuration, else the one that the system keeps, read at the first use. */
export class SigningKey {
  private key: KeyObject | undefined;
  private reading: Promise<void> | undefined;
  private triedAt = -Infinity;
  private warned = false;

  constructor(
    configured: string | undefined,
    private readonly kept: HintKey | undefined,
    private readonly log: Log,
  ) {
    if (configured) this.key = createSecretKey(Buffer.from(configured));
  }

  /** Undefined while none is known. */
  get current(): KeyObject | undefined {
    return this.key;
  }

  /** The same, after it was looked for. Never rejects. */
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
