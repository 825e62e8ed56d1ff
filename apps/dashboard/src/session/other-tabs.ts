import { readToken } from './session';

const CHANNEL = 'tocsin.session';

/** Shares a new token among the tabs of one browser, so that a user signs in again only once. */
export class OtherTabs {
  private readonly channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(CHANNEL);

  /** Sends a token to the other tabs. */
  tell(token: string): void {
    this.channel?.postMessage(token);
  }

  /**
   * Calls `take` with a token from another tab if it is of the same user as `mine` and expires later. Returns a
   * function that unsubscribes.
   */
  listen(mine: () => string | null, take: (token: string) => void): () => void {
    const hear = ({ data }: MessageEvent<unknown>) => {
      const here = mine();
      if (typeof data === 'string' && here !== null && succeeds(data, here)) take(data);
    };
    this.channel?.addEventListener('message', hear);
    return () => this.channel?.removeEventListener('message', hear);
  }
}

/** Whether a token is of the same user as another and expires later. */
export function succeeds(next: string, before: string): boolean {
  // read as of time 0, because an expired token may be compared too
  const [then, now] = [readToken(next, 0), readToken(before, 0)];
  return (
    typeof then !== 'string' && typeof now !== 'string' && then.user === now.user && then.expiresAt > now.expiresAt
  );
}
