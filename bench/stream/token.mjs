// The tokens of subscribers and publishers, where a server verifies them.
import { createHmac } from 'node:crypto';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = Math.floor(Date.now() / 1000);

/** A JWT with these claims, signed by HS256 and good for two hours. */
export function signed(claims, secret) {
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ iat: now, exp: now + 7_200, ...claims })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
