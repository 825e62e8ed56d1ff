#!/usr/bin/env bash
# github.com/SherClockHolmes/webpush-go v1.4.0, Go, beside web-push 3.6.7 (npm): with the same settings it names another
# sender, and its messages reach only phones that are awake.
#
# A notifier is rewritten in Go and keeps its settings: the pair of keys, and `mailto:ops@example.com`, the address that
# VAPID (RFC 8292) wants as a URL and without which web-push refuses to send. One would guess that the same settings
# make the same request. They differ in two things that no error shows:
# - The subject of the token is `mailto:mailto:ops@example.com`: this library wants the bare address, and puts `mailto:`
#   before whatever is no https: URL. A push service may refuse such a token, and one that does not has no address to
#   write to.
# - TTL is 0 where it is not set; web-push says four weeks. 0 asks the push service (RFC 8030) to deliver now or never:
#   it answers 201, and the message for a phone that sleeps or has no network is thrown away.
#
# For a system that rings by push: set TTL and urgency at every message, and read back one request in a test.
#
# Output seen on 2026-11-30 (go 1.26.8, Node 20.20.2):
#   web-push: TTL 2419200, sub mailto:ops@example.com
#   webpush-go: TTL 0, sub mailto:mailto:ops@example.com
# Exit 0: it behaves so. 1: it changed. 2: it could not be tried here.
set -euo pipefail
command -v npm >/dev/null && command -v go >/dev/null || { echo 'cannot be tried here: it takes npm and go'; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error web-push@3.6.7 >/dev/null || exit 2
cat > go.mod <<'MOD'
module finding

go 1.18
MOD
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	webpush "github.com/SherClockHolmes/webpush-go"
)

func main() {
	var given struct {
		Subscription                   webpush.Subscription
		Subject, PublicKey, PrivateKey string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	response, err := webpush.SendNotification([]byte("disk full"), &given.Subscription, &webpush.Options{
		Subscriber:      given.Subject,
		VAPIDPublicKey:  given.PublicKey,
		VAPIDPrivateKey: given.PrivateKey,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(response.StatusCode)
}
GO
go get github.com/SherClockHolmes/webpush-go@v1.4.0 >/dev/null 2>&1 || exit 2
go mod tidy >/dev/null 2>&1 || exit 2
go build -o inGo . || exit 2
cat > seen.mjs <<'JS'
import { execFile } from 'node:child_process';
import { createECDH, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import webpush from 'web-push';

const browser = createECDH('prime256v1');
const keys = { p256dh: browser.generateKeys('base64url'), auth: randomBytes(16).toString('base64url') };
const { publicKey, privateKey } = webpush.generateVAPIDKeys();
const subject = 'mailto:ops@example.com';

/** The sender that a request names, and how long the push service shall try. */
function show(name, { ttl, authorization }) {
  const token = /eyJ[\w-]+\.([\w-]+)\./.exec(authorization)[1];
  const { sub } = JSON.parse(Buffer.from(token, 'base64url').toString());
  console.log(`${name}: TTL ${ttl}, sub ${sub}`);
}
const service = http.createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(201).end());
  show('webpush-go', request.headers);
});
await once(service.listen(0, '127.0.0.1'), 'listening');
const subscription = { endpoint: `http://127.0.0.1:${service.address().port}/device`, keys };

const { headers } = webpush.generateRequestDetails(subscription, 'disk full', {
  vapidDetails: { subject, publicKey, privateKey },
});
show('web-push', { ttl: headers.TTL, authorization: headers.Authorization });
const inGo = execFile('./inGo', { timeout: 10_000 });
inGo.stdin.end(JSON.stringify({ subscription, subject, publicKey, privateKey }));
const [code] = await once(inGo, 'exit');
service.close();
service.closeAllConnections();
process.exitCode = code;
JS
node seen.mjs | tee seen.txt
cat > expected.txt <<'TXT'
web-push: TTL 2419200, sub mailto:ops@example.com
webpush-go: TTL 0, sub mailto:mailto:ops@example.com
TXT
diff expected.txt seen.txt
