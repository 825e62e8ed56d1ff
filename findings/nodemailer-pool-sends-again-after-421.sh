#!/bin/sh
# nodemailer 10.6.1 with smtp-server 3.21.6: a pooled transport sends a mail again by itself when a server leaves with 421.
#
# A mail server that goes away says so with 421, at any command. One would expect the promise of that mail to be rejected with
# `responseCode` 421, and a caller with a retry policy of its own to decide. With `pool: true` that is so for the first mail of a
# connection. For a later mail of the same connection, the pool takes the closed connection as its own affair: it sends the mail
# again over a new connection, and the caller never learns of it, so one sendMail is two attempts at the server. With
# `maxRequeues: 0` it does not, and then the code is lost: the error has `code` ECONNECTION and no `responseCode`.
#
# Seen on 2026-11-28:
#   pool: true                  second mail: 250 ok; RCPT seen twice, over 2 connections
#   pool: true, maxRequeues: 0  second mail: ECONNECTION without responseCode; RCPT seen once
set -eu
command -v npm >/dev/null || exit 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund nodemailer@10.6.1 smtp-server@3.21.6 >/dev/null 2>&1 || exit 2
cat > seen.mjs <<'JS'
import nodemailer from 'nodemailer';
import { SMTPServer } from 'smtp-server';

/** Sends two mails over one connection; the server answers the second RCPT on it with 421. */
async function secondMail(options) {
  let connections = 0;
  const recipients = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onConnect(session, done) {
      session.place = ++connections;
      session.mails = 0;
      done();
    },
    onMailFrom(_address, session, done) {
      session.mails += 1;
      done();
    },
    onRcptTo({ address }, session, done) {
      recipients.push(address);
      done(session.place === 1 && session.mails > 1 ? Object.assign(new Error('leaving'), { responseCode: 421 }) : null);
    },
    onData(stream, _session, done) {
      stream.on('end', () => done(null, 'ok')).resume();
    },
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address();
  const transport = nodemailer.createTransport({ pool: true, maxConnections: 1, host: '127.0.0.1', port, ...options });
  const send = (to) =>
    transport.sendMail({ from: 'a@example.com', to, text: 'x' }).then(
      ({ response }) => response,
      ({ code, responseCode }) => `${code} ${responseCode ?? 'without responseCode'}`,
    );
  await send('one@example.com');
  const answer = await send('two@example.com');
  transport.close();
  server.close();
  return `${answer}; RCPT ${recipients.filter((to) => to === 'two@example.com').length}; connections ${connections}`;
}

const seen = [await secondMail({}), await secondMail({ maxRequeues: 0 })];
console.log(seen.join('\n'));
const expected = ['250 ok; RCPT 2; connections 2', 'ECONNECTION without responseCode; RCPT 1; connections 1'];
process.exit(seen.join() === expected.join() ? 0 : 1);
JS
node seen.mjs
