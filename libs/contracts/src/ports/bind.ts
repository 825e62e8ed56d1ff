type Constructor<T, A extends unknown[]> = new (...args: A) => T;
/** A class used as an injection token: abstract for a port, concrete for one of Tocsin's own classes. */
type Token<T> = abstract new (...args: never[]) => T;

/**
 * A Nest provider: a class that injects `token` gets one `implementation`. Its constructor gets the instances for
 * `tokens`, in the order of its parameters. Parameters at the end that have a default may be left out.
 *
 * It replaces `@Injectable()` and `@Inject()`, so that acting classes are plain classes without Nest. It also replaces
 * a bare `useFactory` with `inject`, which would accept two swapped ports: here the compiler compares each token with
 * its parameter.
 */
export function bind<T, A extends unknown[]>(
  token: Token<T>,
  implementation: Constructor<T, A>,
  ...tokens: { [K in keyof A]: Token<A[K]> }
) {
  return {
    provide: token,
    useFactory: (...args: A) => new implementation(...args),
    inject: tokens as readonly unknown[] as Token<unknown>[],
  };
}
