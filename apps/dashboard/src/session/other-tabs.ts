import { readToken } from './session';

const CHANNEL = 'tocsin.session';

/** The tabs of one browser, as far as they tell each other who is signed in: whoever signs in again does it once. */
export class OtherTabs {
  private readonly channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(CHANNEL);

  /** Tells them of a token. */
  tell(token: string): void {
    this.channel?.postMessage(token);
  }

  /** Calls back with a token of the user whose token `mine` is that lasts longer than it. The answer ends that. */
  listen(mine: () => string | null, take: (token: string) => void): () => void {
    const hear = ({ data }: MessageEvent<unknown>) => {
      const here = mine();
      if (typeof data === 'string' && here !== null && succeeds(data, here)) take(data);
    };
    this.channel?.addEventListener('message', hear);
    return () => this.channel?.removeEventListener('message', hear);
  }
}

/** Whether a token is of the same user as another, and outlasts it. */
export function succeeds(next: string, before: string): boolean {
  // when either began to be too old is not what is asked
  const [then, now] = [readToken(next, 0), readToken(before, 0)];
  return (
    typeof then !== 'string' && typeof now !== 'string' && then.user === now.user && then.expiresAt > now.expiresAt
  );
}
