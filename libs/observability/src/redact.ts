/** The replacement of a secret. */
const REDACTED = '[redacted]';

/**
 * Names whose values are secrets: of a field, a query parameter or a cookie, and also as the end of a longer name
 * (`access_token`).
 */
const SECRET_NAMES =
  'token|ticket|secret|password|passwd|api_?key|authorization|cookie|credentials?|tocsin_stream|tocsin_session|' +
  'tocsin_sign_in_[\\w-]{1,16}';

// Each pattern runs over a whole serialised line, which may hold text that an attacker chose. Therefore every
// repetition is bounded, or cannot start again inside its own match: the time stays proportional to the length of the
// line.
const PATTERNS: readonly [RegExp, string][] = [
  // {"password":"…"}, at any depth
  [new RegExp(`((?:${SECRET_NAMES})":)(?:"(?:[^"\\\\]|\\\\.)*"|\\[[^[\\]]*\\])`, 'gi'), `$1"${REDACTED}"`],
  // the same inside a string: {\"password\":\"…\"}
  [new RegExp(`((?:${SECRET_NAMES})\\\\+"\\s{0,4}:\\s{0,4}\\\\+")[^"\\\\]*`, 'gi'), `$1${REDACTED}`],
  // ?token=…&x=1, also percent-encoded, and cookies
  [new RegExp(`((?:${SECRET_NAMES})(?:=|%3D))[^&\\s"'\\\\#;,]+`, 'gi'), `$1${REDACTED}`],
  // amqp://user:password@host: greedy up to the last @ of the word, since a password may hold one
  [/:\/\/[^\s"'\\/?#@:]{0,256}(?::[^\s"'\\]{0,512})?@/g, `://${REDACTED}@`],
  [/\b(Bearer|Basic)(\s{1,4}|%20|\+)[A-Za-z0-9._~+/=%-]{4,}/gi, `$1$2${REDACTED}`],
];

/** Removes tokens, tickets, passwords and credentials in URLs from a text, which may be a line of JSON. */
export function redact(text: string): string {
  let redacted = text;
  for (const [pattern, replacement] of PATTERNS) redacted = redacted.replace(pattern, replacement);
  return redacted.replace(WORDS, withoutJwt);
}

/** Whole words of the characters of a JWT, matched as a whole so that no character is looked at twice. */
const WORDS = /[\w.-]{16,}/g;

/** Cuts a JWT off, wherever in the word it begins: `{"` in base64url is `eyJ`. */
function withoutJwt(word: string): string {
  const at = word.indexOf('eyJ');
  return at >= 0 && word.indexOf('.', word.indexOf('.', at) + 1) > at ? `${word.slice(0, at)}${REDACTED}` : word;
}
