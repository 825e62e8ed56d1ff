import type { Scope } from '@tocsin/auth';
import { UsageError, type Options } from './command';
import { gatewayUrl, isHttpUrl, loadGatewayConfig } from './config';
import { Credential } from './credential';
import { GatewayClient, NoAnswer, type Reply } from './gateway-client';
import { printable, type Terminal } from './terminal';

/** What an operator's command does with a gateway. Returns the exit code. */
export type Act = (gateway: GatewayClient, terminal: Terminal) => Promise<number>;

/** The options that all of these commands have. */
export const gatewayOptions = {
  json: { type: 'boolean', about: 'Prints what the gateway answers, one JSON value a line.' },
  url: {
    type: 'string',
    value: '<address>',
    about: 'The gateway. Default TOCSIN_URL, else http://localhost and PORT (8000).',
  },
} as const satisfies Options;

/** The user of the demo, whose token a command signs unless it is told another. */
export const DEFAULT_USER = 'ana@example.test';

/** Whose token is signed, and for what. */
interface Signs {
  scopes: readonly Scope[];
  user?: string;
}

/**
 * Performs an act as an operator (scope `dead_letters:operate`), or with the token in TOCSIN_TOKEN. Returns its exit
 * code, and 1 when the gateway does not answer. Throws `UsageError` for an address that is none.
 */
export const asOperator = (act: Act, url: string | undefined, terminal: Terminal): Promise<number> =>
  withToken({ scopes: ['dead_letters:operate'] }, act, url, terminal);

/** Performs an act with a token for these scopes, or with the one in TOCSIN_TOKEN; else like `asOperator`. */
export async function withToken(
  { scopes, user }: Signs,
  act: Act,
  url: string | undefined,
  terminal: Terminal,
): Promise<number> {
  if (url !== undefined && !isHttpUrl(url)) throw new UsageError('--url is an http or https address.');
  const config = loadGatewayConfig(terminal.environment);
  const gateway = new GatewayClient(url ?? gatewayUrl(config), new Credential(config, scopes, user));
  try {
    return await act(gateway, terminal);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    terminal.err(error.message);
    return 1;
  } finally {
    gateway.close();
  }
}

/** An act of one request, whose response is printed in lines. */
export const ask =
  (method: string, path: string, body: unknown, lines: (answer: unknown) => string[]): Act =>
  async (gateway, terminal) => {
    const reply = await gateway.ask(method, path, body);
    if (!isDone(reply)) return refused(gateway, terminal, reply);
    for (const line of lines(reply.body)) terminal.out(line);
    return 0;
  };

/** Whether the gateway has done what was asked. Any other response is for `refused`. */
export const isDone = ({ status, body }: Reply): boolean => status === 200 && typeof body === 'object' && body !== null;

/** Prints why the gateway refused. Returns the exit code. */
export function refused(gateway: GatewayClient, terminal: Terminal, reply: Reply): number {
  for (const line of gateway.explain(reply)) terminal.err(line);
  return 1;
}

/** The response as it came. */
export const asJson = (answer: unknown): string[] => [JSON.stringify(answer)];

/** A line for each field of a record. */
export const fieldLines = (record: object): string[] =>
  Object.entries(record).map(
    ([name, value]) => `${`${name}:`.padEnd(20)}${value === null ? '-' : printable(String(value))}`,
  );
