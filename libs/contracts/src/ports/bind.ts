type Constructor<T, A extends unknown[]> = new (...args: A) => T;
/** A class used as an injection token: abstract for a port, concrete for one of our own. */
type Token<T> = abstract new (...args: never[]) => T;

/**
 * A Nest provider: whoever injects `token` gets one `implementation`, made with what `tokens` stand for, in the order of its
 * constructor. Parameters at the end that have a default may be left out.
 *
 * It stands in for `@Injectable()` and `@Inject()`, so that what acts is a plain class without Nest, and for a bare
 * `useFactory` with `inject`, which accepts two swapped ports: here the compiler compares each token with its parameter.
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
