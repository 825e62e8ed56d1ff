/**
 * Calls a listener of the service. What it throws, or rejects with if it is asynchronous, goes to `onTrouble` and no
 * further: an error of a listener must not change what becomes of an event, and must not end the process.
 */
export function tell(listener: () => unknown, onTrouble: (error: unknown) => void): void {
  try {
    const told = listener();
    if (typeof (told as PromiseLike<unknown> | undefined)?.then === 'function') Promise.resolve(told).catch(onTrouble);
  } catch (error) {
    onTrouble(error);
  }
}

/** The listener `onTrouble` of the options, which may now be called anywhere. Its own errors can be told to none. */
export const guarded =
  (onTrouble: ((error: unknown) => unknown) | undefined) =>
  (error: unknown): void =>
    tell(() => onTrouble?.(error), ignored);

const ignored = () => undefined;
