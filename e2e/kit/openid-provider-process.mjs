// A real OpenID provider (the npm package oidc-provider) for the tests of sign-in, in a process of its own: its package
// is ESM. Its settings come as JSON in the first argument; its messages are `{ port }`, once it listens. A message
// `{ away: true }` makes it answer 503, `{ rotate: true }` gives it new keys.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const {
  client_id,
  client_secret,
  redirect_uri,
  post_logout_redirect_uri,
  audience,
  token_seconds,
  port = 0,
} = JSON.parse(process.argv[2]);
/** What the access tokens allow. */
const SCOPE = 'alerts:read alerts:write';

const newKey = () => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  use: 'sig',
  alg: 'RS256',
});
let away = false;
let handle = () => undefined;
const server = createServer((request, response) =>
  away ? response.writeHead(503).end('away') : handle(request, response),
);
server.listen(port, '127.0.0.1', () => {
  rotate();
  process.send({ port: server.address().port });
});
process.on('message', (told) => {
  if ('away' in told) away = told.away;
  if (told.rotate) rotate();
  process.send({ done: true });
});
process.on('disconnect', () => process.exit());

function rotate() {
  const provider = new Provider(`http://127.0.0.1:${server.address().port}`, {
    jwks: { keys: [newKey()] },
    clients: [
      {
        client_id,
        client_secret,
        redirect_uris: [redirect_uri],
        post_logout_redirect_uris: [post_logout_redirect_uri],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // its own page for signing in: the name that is typed is the user
    features: {
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: SCOPE,
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: token_seconds,
        }),
      },
    },
    scopes: ['openid', 'offline_access', ...SCOPE.split(' ')],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    ttl: {
      AccessToken: token_seconds,
      RefreshToken: 3_600,
      Session: 3_600,
      Interaction: 600,
      Grant: 3_600,
      IdToken: 600,
    },
    cookies: { keys: ['a key of these tests'] },
  });
  handle = provider.callback();
}
