import Ajv, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { ValueSchema } from '@tocsin/messages/testing';
import { ask } from './http';

type Json = Record<string, unknown>;
export interface Described {
  operationId: string;
  security: readonly Record<string, unknown>[];
  parameters: { name: string; in: 'query' | 'path' | 'header'; schema: ValueSchema; explode?: boolean }[];
  requestBody?: { required: boolean; content: Record<string, { schema: ValueSchema }> };
  responses: Record<string, { content?: Record<string, unknown> }>;
}

/**
 * A document of a running gateway, and what it says of values. Its objects are open, so that clients take what a later
 * version adds; here they are closed: whatever is sent must be described.
 */
export class ApiDocument<T extends object = Json> {
  private readonly ajv = new Ajv({ strict: false, allErrors: true });
  private readonly validators = new Map<string, ValidateFunction>();

  private constructor(readonly document: T) {
    addFormats(this.ajv);
    this.ajv.addSchema(closed(document) as Json, 'document');
  }

  static async read<T extends object>(gateway: string, path: string): Promise<ApiDocument<T>> {
    const { status, text } = await ask(gateway, path);
    if (status !== 200) throw new Error(`${path}: ${status}`);
    return new ApiDocument(JSON.parse(text) as T);
  }

  /** What is wrong with a value by the schema that stands at a path of names; empty when it fits. */
  faults(at: readonly string[], value: unknown): string[] {
    const reference = `document#/${at.map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
    const validate = this.validators.get(reference) ?? this.ajv.compile({ $ref: reference });
    this.validators.set(reference, validate);
    return validate(value)
      ? []
      : (validate.errors ?? []).map(
          ({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
        );
  }
}

/** The same with every object that names its properties and does not say otherwise closed. Parts of an `allOf` describe one object together. */
function closed(value: unknown, isPart = false): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => closed(one, isPart));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    ([name, one]) => [name, closed(one, name === 'allOf' || ['if', 'then', 'not'].includes(name))] as const,
  );
  const copy = Object.fromEntries(entries) as Json;
  const isOpenObject = copy.type === 'object' && 'properties' in copy && !('additionalProperties' in copy);
  return isOpenObject && !isPart ? { ...copy, additionalProperties: false } : copy;
}
