import type { AlertStream } from '../alert-stream';

/**
 * Resolves when the stream is connected, has failed, or has not connected within `timeoutMs`. A list that is loaded
 * then needs no second load.
 */
export function streamSettled(stream: AlertStream, timeoutMs: number): Promise<void> {
  const isSettled = () => stream.status.state !== 'connecting' && stream.status.state !== 'closed';
  if (isSettled()) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      end();
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    const end = stream.subscribe(() => isSettled() && done());
  });
}
