import { z } from 'zod';

/** Requests whose path begins with `prefix` go to another service. */
export interface ProxyRoute {
  /** `/auth`: matches `/auth` and `/auth/…`. */
  prefix: string;
  /** The service, without a path: the path of a request stays as it is. */
  target: URL;
}

/** The first parts of paths that the gateway answers itself: links in mails begin with `a` and `u`. */
const OURS = [
  ...['api', 'docs', 'assets', 'fonts', 'livez', 'readyz', 'health'],
  ...['a', 'u', 'outbox', 'embed-preview', 'push-worker.js'],
];
const PREFIX = /^(\/[\w.~-]+)+$/;

/** `/auth=http://auth:8000,/billing=https://billing.internal`: routes to other services, separated by commas. */
export const proxyRoutes = z
  .string()
  .default('')
  .transform((list, context): ProxyRoute[] => {
    const routes = list
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean)
      .map((one, index) =>
        routeIn(one, (fault) => context.addIssue({ code: 'custom', message: `route ${index + 1}: ${fault}` })),
      );
    const prefixes = routes.map(({ prefix }) => prefix);
    const twice = prefixes.find((prefix, index) => prefixes.indexOf(prefix) !== index);
    if (twice !== undefined) context.addIssue({ code: 'custom', message: `${twice} stands there twice` });
    // the longest first, so that /auth/admin may lead elsewhere than /auth
    return routes.sort((a, b) => b.prefix.length - a.prefix.length);
  });

function routeIn(text: string, refuse: (fault: string) => void): ProxyRoute {
  const [prefix = '', address = ''] = text.split(/=(.*)/s);
  const nowhere = new URL('http://nowhere.invalid');
  if (!PREFIX.test(prefix) || prefix.split('/').includes('..')) {
    refuse('a path such as /auth is expected before "="');
  } else if (isOurs(prefix)) {
    refuse(`the gateway itself answers ${prefix}`);
  } else if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    refuse('an http or https address is expected after "="');
  } else {
    const target = new URL(address);
    if (!target.username && !target.password && target.pathname === '/' && !target.search && !target.hash)
      return { prefix, target };
    // the address is not quoted, because a password may be what is wrong with it
    refuse('the address of a service has no user, path or query');
  }
  return { prefix, target: nowhere };
}

/** Whether the gateway answers what is at and below this path. */
export const isOurs = (path: string): boolean => OURS.includes(path.split('/')[1]!.toLowerCase());

/** The route of a path; undefined: the gateway answers it. */
export const routeOf = (routes: readonly ProxyRoute[], path: string): ProxyRoute | undefined =>
  routes.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));

/** Whether a service could read the path as one outside of its prefix: `/auth/../admin`, also when it is encoded. */
export const leavesItsPrefix = (path: string): boolean =>
  /(^|[/\\])\.{1,2}([/\\;]|$)/.test(path.replace(/%2e/gi, '.').replace(/%2f/gi, '/').replace(/%5c/gi, '\\'));
