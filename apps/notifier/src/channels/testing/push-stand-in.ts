import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify, type ECDH } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { PushKeys, PushPayload } from '@tocsin/contracts/wire';

export interface Pushed {
  payload: PushPayload;
  bytes: number;
  ttl: string | undefined;
  urgency: string | undefined;
  topic: string | undefined;
  /** The claims of the VAPID token. */
  claims: Readonly<Record<string, unknown>>;
}
export type PushAnswering = (request: IncomingMessage, response: ServerResponse) => void;

/** A browser with a subscription. It can decrypt its messages. */
interface Browser {
  ecdh: ECDH;
  auth: Buffer;
  pushed: Pushed[];
  answers: PushAnswering[];
}

/**
 * Plays both the push service and the browsers, on this machine. It checks the sender (VAPID, RFC 8292) and decrypts
 * the message (RFC 8188 and 8291) as a browser does.
 */
export class PushStandIn {
  /** The faults of the requests, one sentence each. */
  readonly faults: string[] = [];
  private readonly browsers = new Map<string, Browser>();
  private url = '';
  private readonly server;

  /** With a certificate it speaks https, as every push service does. */
  constructor(
    private readonly vapidPublicKey: string,
    private readonly tls?: { key: string; cert: string },
  ) {
    const answer = (request: IncomingMessage, response: ServerResponse) => void this.answer(request, response);
    this.server = tls ? createTlsServer(tls, answer) : createServer(answer);
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `${this.tls ? 'https' : 'http'}://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** A new browser. `answers` are used one after the other. Later messages are accepted. */
  subscribe(...answers: PushAnswering[]): { keys: PushKeys; pushed: Pushed[] } {
    const ecdh = createECDH('prime256v1');
    const p256dh = ecdh.generateKeys('base64url');
    const auth = randomBytes(16);
    const browser: Browser = { ecdh, auth, pushed: [], answers };
    const path = `/push/${randomBytes(9).toString('base64url')}`;
    this.browsers.set(path, browser);
    return { keys: { endpoint: this.url + path, p256dh, auth: auth.toString('base64url') }, pushed: browser.pushed };
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const browser = this.browsers.get(request.url ?? '');
    if (!browser) return void response.writeHead(404).end();
    try {
      const { headers } = request;
      if (request.method !== 'POST' || headers['content-encoding'] !== 'aes128gcm')
        throw new Error('The head is wrong.');
      const claims = this.claimsOf(headers.authorization ?? '');
      const body = Buffer.concat(chunks);
      const payload = JSON.parse(decrypt(body, browser).toString()) as PushPayload;
      const answering = browser.answers.shift();
      if (answering) return answering(request, response);
      browser.pushed.push({
        payload,
        bytes: body.length,
        ttl: headers.ttl as string | undefined,
        urgency: headers.urgency as string | undefined,
        topic: headers.topic as string | undefined,
        claims,
      });
      response.writeHead(201, { Location: `${this.url}/messages/1` }).end();
    } catch (error) {
      this.faults.push(String(error));
      response.writeHead(400).end();
    }
  }

  /** `vapid t=<JWT>, k=<key>`: the token must name this push service, and the key must be that of the subscription. */
  private claimsOf(authorization: string): Record<string, unknown> {
    const [, token, key] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(authorization) ?? [];
    if (token === undefined || key !== this.vapidPublicKey) throw new Error('It was sent with another VAPID key.');
    const [head, body, signature] = token.split('.') as [string, string, string];
    const point = Buffer.from(key, 'base64url');
    const publicKey = createPublicKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: 'P-256',
        x: point.subarray(1, 33).toString('base64url'),
        y: point.subarray(33).toString('base64url'),
      },
    });
    const signed = Buffer.from(`${head}.${body}`);
    if (!verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')))
      throw new Error('The VAPID token is not signed with its key.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    const lastsS = Number(claims.exp) - Date.now() / 1_000;
    if (claims.aud !== this.url) throw new Error(`The VAPID token is for ${String(claims.aud)}.`);
    if (!(lastsS > 0 && lastsS <= 86_400)) throw new Error('The VAPID token has expired, or lasts for over a day.');
    return claims;
  }
}

const derive = (secret: Buffer, salt: Buffer, info: Buffer | string, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, info, length));

/** Derives the key of the one record (RFC 8188) from the shared secret, the auth secret and the salt (RFC 8291). */
function decrypt(body: Buffer, { ecdh, auth }: Browser): Buffer {
  const salt = body.subarray(0, 16);
  const recordSize = body.readUInt32BE(16);
  const senderKey = body.subarray(21, 21 + body[20]!);
  const record = body.subarray(21 + body[20]!);
  if (record.length > recordSize) throw new Error('The message has more than one record.');
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), senderKey]);
  const secret = derive(ecdh.computeSecret(senderKey), auth, info, 32);
  const decipher = createDecipheriv(
    'aes-128-gcm',
    derive(secret, salt, 'Content-Encoding: aes128gcm\0', 16),
    derive(secret, salt, 'Content-Encoding: nonce\0', 12),
  );
  decipher.setAuthTag(record.subarray(-16));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  const end = padded.lastIndexOf(2);
  if (end < 0) throw new Error('The last record does not end as one.');
  return padded.subarray(0, end);
}
