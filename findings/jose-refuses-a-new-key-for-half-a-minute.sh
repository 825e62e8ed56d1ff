#!/bin/sh
# jose 6.2.17: right after the keys of an issuer were fetched, a token of a new key is refused for 30 s without asking again.
#
# `createRemoteJWKSet` fetches the keys anew when a token names a `kid` that it does not know, so a rotation seems to need
# nothing. But it does so at most once in `cooldownDuration` (30 s), counted from the last fetch, which may be the one for
# the first token after a start. Within that time a good token of a new key ends in ERR_JWKS_NO_MATCHING_KEY, which reads as a forged token, although the issuer publishes its key. An issuer should
# publish a key some time before it signs with it; a server should set the cooldown to what its users may be refused for.
#
# Seen on 2026-11-28:
#   a token of the first key: accepted, keys fetched 1 time
#   the issuer publishes a second key and signs with it: ERR_JWKS_NO_MATCHING_KEY, keys fetched 1 time
#   the same token after 31 s: accepted, keys fetched 2 times
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --save-exact --no-audit --no-fund --loglevel=error jose@6.2.17 >/dev/null || exit 2
cat > finding.mjs <<'JS'
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';

async function aKey(kid) {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const token = await new SignJWT({ sub: 'ana' }).setProtectedHeader({ alg: 'RS256', kid }).setExpirationTime('5m').sign(privateKey);
  return { token, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}
const [first, second] = [await aKey('first'), await aKey('second')];

let keys = [first.jwk];
let fetched = 0;
const server = createServer((_, answer) => {
  fetched += 1;
  answer.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys }));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const known = createRemoteJWKSet(new URL(`http://127.0.0.1:${server.address().port}/jwks`));
async function verify(what, { token }) {
  const outcome = await jwtVerify(token, known).then(
    () => 'accepted',
    ({ code }) => code,
  );
  console.log(`${what}: ${outcome}, keys fetched ${fetched} time${fetched === 1 ? '' : 's'}`);
  return outcome;
}

const before = await verify('a token of the first key', first);
keys = [first.jwk, second.jwk];
const atOnce = await verify('the issuer publishes a second key and signs with it', second);
await sleep(31_000);
const later = await verify('the same token after 31 s', second);
server.close();
server.closeAllConnections();
process.exit(`${before} ${atOnce} ${later}` === 'accepted ERR_JWKS_NO_MATCHING_KEY accepted' ? 0 : 1);
JS
timeout 90 node finding.mjs
