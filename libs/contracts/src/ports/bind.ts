type Constructor<T, A extends unknown[]> = new (...args: A) => T;
/** A class used as an injection token: abstract for a port, concrete for one of our own. */
type Token<T> = abstract new (...args: never[]) => T;

/**
 * A Nest provider that hands `tokens` to the constructor of `implementation`, checked at compile time: a bare
 * `useFactory` with `inject` would accept two swapped ports.
 */
export function bind<T, A extends unknown[]>(
  token: Token<T>,
  implementation: Constructor<T, A>,
  ...tokens: { [K in keyof A]: Token<A[K]> }
) {
  return { provide: token, useFactory: (...args: A) => new implementation(...args), inject: tokens };
}
