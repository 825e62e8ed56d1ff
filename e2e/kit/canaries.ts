import { unescape } from 'node:querystring';
import type { Environment } from './processes';

/** A setting whose value is a secret, and one whose value is an address that may have a password in it. */
const SECRET = /(?:SECRET|TOKEN|PASS|CREDENTIALS|HEADERS|(?<!PUBLIC_)KEY)(?:_PREVIOUS)?$/;
const ADDRESS = /_URL$/;
export const isSecretName = (name: string): boolean => SECRET.test(name) || ADDRESS.test(name);

/** A shorter value stands in texts by chance, as the password `guest` does. */
const LEAST_LENGTH = 12;
/** The beginnings of header and payload of every JWT: tokens and tickets. Then the secrets of webhooks. */
const TOKENS = ['eyJ[A-Za-z0-9_-]{10,}[.]eyJ', 'whsec_[A-Za-z0-9+/_-]{20,}'];
/** The same in hexadecimal, as PostgreSQL shows bytes. */
const TOKENS_AS_HEX = ['65794a(?:[0-9a-f]{2}){10,255}2e65794a', '77687365635f(?:[0-9a-f]{2}){20}'];

/** A secret or a token that stands where none may. */
export class Leak extends Error {
  constructor(what: string, where: string) {
    super(`${what} is in ${where}`);
    this.name = 'Leak';
  }
}

/**
 * The secrets of a test's processes: each value that a process was started with as a secret. None of them, and no token
 * at all, may stand in a log, a metric, a span, a table or a key.
 */
export class Canaries {
  /** The names of the settings, by value. */
  private readonly secrets = new Map<string, string>();

  note(environment: Environment): void {
    for (const [name, value] of Object.entries(environment))
      for (const secret of secretsIn(name, value)) if (secret.length >= LEAST_LENGTH) this.secrets.set(secret, name);
  }

  /** Throws a `Leak` that does not repeat what it found. */
  expectNoneIn(text: string, where: string): void {
    for (const [secret, name] of this.secrets) if (text.includes(secret)) throw new Leak(`The value of ${name}`, where);
    if (new RegExp(TOKENS.join('|')).test(text)) throw new Leak('A token', where);
  }

  /** A regular expression that PostgreSQL understands too, for text and for bytes that are shown as text. */
  get pattern(): string {
    const texts = [...this.secrets.keys()];
    const written = texts.map((text) => text.replaceAll(/[^A-Za-z0-9_-]/g, String.raw`\$&`));
    return [...written, ...texts.map((text) => Buffer.from(text).toString('hex')), ...TOKENS, ...TOKENS_AS_HEX].join(
      '|',
    );
  }
}

function secretsIn(name: string, value: string): string[] {
  if (ADDRESS.test(name)) return value.split(',').flatMap((one) => passwordOf(one) ?? []);
  if (!SECRET.test(name)) return [];
  return name.endsWith('HEADERS') ? value.split(/[=,]/) : [value];
}

function passwordOf(address: string): string | undefined {
  // `unescape` leaves what cannot be decoded as it is
  return URL.canParse(address) ? unescape(new URL(address).password) : undefined;
}
