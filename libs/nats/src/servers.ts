import type { NodeConnectionOptions } from '@nats-io/transport-node';

/**
 * How to reach the servers of a list such as `nats://user:password@one:4222,nats://two:4222`. User and password are
 * those of the first address; a user without a password is a token.
 */
export function serversOf(list: string): NodeConnectionOptions {
  const urls = list.split(',').map((address) => new URL(address.trim()));
  const { username, password } = urls[0]!;
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || 4222}`),
    ...(user && pass && { user, pass }),
    ...(user && !pass && { token: user }),
    ...(urls.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
  };
}
