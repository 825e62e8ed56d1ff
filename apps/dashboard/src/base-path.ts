/** The path below which the gateway answers (its `BASE_PATH`), which it tells the page. Empty: the root. */
const BASE =
  typeof document === 'undefined'
    ? ''
    : (document.querySelector<HTMLMetaElement>('meta[name=tocsin-base-path]')?.content ?? '');

/** An address of the gateway on the page's own host: `/docs` is `/tocsin/docs` below `/tocsin`. */
export const below = (path: string): string => BASE + path;

/** The gateway's address with protocol and host, for commands and code that run elsewhere. */
export const gatewayAddress = (): string => location.origin + BASE;

/** The service worker of push messages. Its folder is the part of the site that it belongs to. */
export const PUSH = { worker: below('/push-worker.js') };
