import type { PlaceStorage } from './options';

/** A position, and when it was the present one, by `Date.now()`. */
interface Place {
  cursor: string;
  at: number;
}

/** At most so often: a storage is written synchronously. `flush` when the page goes. */
const SAVE_EVERY_MS = 250;

/** Keeps a stream's place over page loads. A storage that is full or forbidden is none. */
export class KeptPlace {
  private unsaved: Place | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly storage: PlaceStorage | null,
    private readonly key: string,
  ) {}

  load(): Place | null {
    try {
      const place = JSON.parse(this.storage?.getItem(this.key) ?? 'null') as Place | null;
      return typeof place?.cursor === 'string' && typeof place.at === 'number' ? place : null;
    } catch {
      return null;
    }
  }

  save(place: Place): void {
    if (!this.storage) return;
    this.unsaved = place;
    this.timer ??= setTimeout(() => this.flush(), SAVE_EVERY_MS);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.unsaved) return;
    try {
      this.storage?.setItem(this.key, JSON.stringify(this.unsaved));
    } catch {
      // the next page load begins without a place: no reason to end this one
    }
    this.unsaved = null;
  }
}

/** The browser's own, where there is one and the page may use it. */
export function sessionStorageIfAny(): PlaceStorage | null {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}
