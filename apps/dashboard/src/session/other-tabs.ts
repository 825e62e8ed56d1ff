import { readToken } from './session';

const CHANNEL = 'tocsin.session';
/** Asks the other tabs for their token. */
const ASK = { ask: true };
/** Says that the session of the browser, its cookie, is another one now. */
const CHANGED = { changed: true };

interface Listener {
  /** The token of this tab. */
  mine(): string | null;
  /** Whether this tab has no token and takes the one of another tab: not after its user has signed out. */
  wants(): boolean;
  take(token: string): void;
  onChanged(): void;
}

/** Shares the session among the tabs of one browser, so that a user signs in only once. */
export class OtherTabs {
  private readonly channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(CHANNEL);

  /** Whether there may be other tabs that answer. */
  get canAsk(): boolean {
    return this.channel !== null;
  }

  /** Sends a token to the other tabs. */
  tell(token: string): void {
    this.channel?.postMessage(token);
  }

  /** Asks the other tabs for a token that has not expired. */
  ask(): void {
    this.channel?.postMessage(ASK);
  }

  /** Tells the other tabs that a user signed in or out through the gateway. */
  tellOfChange(): void {
    this.channel?.postMessage(CHANGED);
  }

  /**
   * Calls `take` with a token from another tab if this tab wants one, or if it is of the same user as its own and
   * expires later. Answers other tabs that ask. Returns a function that unsubscribes.
   */
  listen({ mine, wants, take, onChanged }: Listener): () => void {
    const hear = ({ data }: MessageEvent<unknown>) => {
      const here = mine();
      if (typeof data === 'string') {
        if (here === null ? wants() && isUsable(data) : succeeds(data, here)) take(data);
      } else if (isMessage(data, 'ask')) {
        if (here !== null && isUsable(here)) this.tell(here);
      } else if (isMessage(data, 'changed')) onChanged();
    };
    this.channel?.addEventListener('message', hear);
    return () => this.channel?.removeEventListener('message', hear);
  }
}

const isMessage = (data: unknown, name: string): boolean => typeof data === 'object' && data !== null && name in data;

const isUsable = (token: string): boolean => typeof readToken(token, Date.now()) !== 'string';

/** Whether a token is of the same user as another and expires later. */
export function succeeds(next: string, before: string): boolean {
  // read as of time 0, because an expired token may be compared too
  const [then, now] = [readToken(next, 0), readToken(before, 0)];
  return (
    typeof then !== 'string' && typeof now !== 'string' && then.user === now.user && then.expiresAt > now.expiresAt
  );
}
