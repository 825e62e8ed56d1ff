import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream } from 'pino';
import { redact } from './redact';
import type { LogLevel } from './settings';

/**
 * How many bytes may wait for a slow reader of stdout. Lines beyond that are dropped: logging never delays the process.
 */
const MAX_PENDING_BYTES = 4 * 1024 * 1024;
/** How many causes of an error are written. */
const MAX_CAUSES = 5;

/**
 * The fields that mean the same in every line. Other fields are snake_case too. An error goes under `err`. Never log a
 * token, a ticket, or the text or metadata of a message; never write a line for each event.
 */
interface LogFields {
  tenant_id?: string | null;
  alert_id?: string;
  event_id?: string;
  seq?: number;
  delivery_id?: string;
  channel?: string;
  attempt?: number;
  duration_ms?: number;
  err?: unknown;
  [field: string]: unknown;
}

interface Write {
  (fields: LogFields, message: string): void;
  (message: string): void;
}

/** The logger: type and injection token in one name. Loggers of pino have this shape. */
export abstract class Log {
  abstract debug: Write;
  abstract info: Write;
  abstract warn: Write;
  abstract error: Write;
  abstract fatal: Write;
  /** A logger that adds `fields` to every line. */
  abstract child(fields: LogFields): Log;
}

interface LoggerOptions {
  /** Which app writes: the field `app` of every line. */
  app: string;
  /** Default `info`. */
  level?: LogLevel | 'silent';
  version?: string;
  /** Default stdout, written to asynchronously and flushed when the process exits. */
  destination?: DestinationStream;
}

/**
 * Makes a logger that writes JSON lines. Credentials are removed from the finished line, so that no field, message or
 * stack can leak one.
 */
export function createLogger({ app, level = 'info', version, destination }: LoggerOptions): Log {
  return pino(
    {
      level,
      base: version ? { app, version } : { app },
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      hooks: { streamWrite: redact },
    },
    destination ?? pino.destination({ dest: 1, sync: false, maxLength: MAX_PENDING_BYTES }),
  );
}

/**
 * The fields of an error that are logged. Its other properties are left out: drivers fill them with statements,
 * addresses and values.
 */
function describeError(error: unknown, causes = MAX_CAUSES): unknown {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: error.message,
    stack: error.stack,
    ...(error.cause !== undefined && causes > 0 ? { cause: describeError(error.cause, causes - 1) } : {}),
  };
}

/**
 * Writes the messages of Nest with our logger. Its lines about wiring, one for each module and route, are written at
 * debug level.
 */
export class NestLogger implements LoggerService {
  private static readonly WIRING = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer']);

  constructor(private readonly to: Log) {}

  log = (message: unknown, ...rest: unknown[]): void =>
    this.write(NestLogger.WIRING.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  error = (message: unknown, ...rest: unknown[]): void => this.write('error', message, rest);
  warn = (message: unknown, ...rest: unknown[]): void => this.write('warn', message, rest);
  fatal = (message: unknown, ...rest: unknown[]): void => this.write('fatal', message, rest);
  debug = (message: unknown, ...rest: unknown[]): void => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]): void => this.write('debug', message, rest);

  /** Nest passes the context as the last argument and, for an error, the stack before it. */
  private write(level: 'debug' | 'info' | 'warn' | 'error' | 'fatal', message: unknown, rest: unknown[]): void {
    const context = typeof rest.at(-1) === 'string' ? rest.at(-1) : undefined;
    if (message instanceof Error) return this.to[level]({ context, err: message }, message.message);
    const stack = rest.slice(0, -1).find((part) => typeof part === 'string' && part.includes('\n    at '));
    this.to[level](
      { context, ...(stack ? { stack } : {}) },
      typeof message === 'string' ? message : (JSON.stringify(message) ?? String(message)),
    );
  }
}
