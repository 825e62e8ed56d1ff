import { ValidationPipe, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { validate, type ValidationError } from 'class-validator';
import { pointerPart, Refused, type InputError } from '@tocsin/contracts';
import type { RuleContext } from './field-rules';
import { readFields, readQuery, refusedParameters, type Fields, type RequestClass } from './request-fields';

/**
 * Converts `@Body()` and `@Query()` into the class of the parameter, and refuses what breaks its rules: with
 * problem+json that has a pointer or parameter for each error. Arguments of other classes pass unchanged.
 */
export class RequestPipe implements PipeTransform {
  private readonly bodies = new FieldRules((errors) => {
    const found = inputErrorsOf(errors);
    return new Refused(found[0]!.code, found[0]!.detail, { errors: found });
  });
  private readonly queries = new FieldRules((errors) => refusedParameters(errors.map(parameterErrorOf)));

  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    const type = metadata.metatype as RequestClass;
    if (metadata.type === 'query' && this.queries.isOf(metadata))
      return this.queries.transform(readQuery(type, searchParamsOf(value as QueryValues)), metadata);
    if (metadata.type === 'body' && this.bodies.isOf(metadata))
      return this.bodies.transform(readFields(type, (value ?? {}) as Fields), metadata);
    return value;
  }
}

type QueryValues = Readonly<Record<string, string | readonly string[]>>;
const searchParamsOf = (query: QueryValues): URLSearchParams =>
  new URLSearchParams(
    Object.entries(query).flatMap(([name, values]) => [values].flat().map((value): [string, string] => [name, value])),
  );

/** Nest's validation pipe, which runs after our readers: it receives an instance and validates it. */
class FieldRules extends ValidationPipe {
  constructor(refuse: (errors: ValidationError[]) => Refused) {
    super({
      transform: true,
      validationError: { value: true },
      validatorPackage: { validate: (object, options) => validate(object as object, options) },
      transformerPackage: { plainToInstance: (_type, read) => read as never, classToPlain: (read) => read as Fields },
      exceptionFactory: (errors) => refuse(errors),
    });
  }

  isOf(metadata: ArgumentMetadata): boolean {
    return this.toValidate(metadata);
  }

  /** Nothing to strip: names that have a meaning in JavaScript were refused as unknown, or are keys of labels. */
  protected override stripProtoKeys(): void {}
}

/** One error for each field: of several broken rules the one that is first in the class. */
function inputErrorsOf(errors: readonly ValidationError[], parent = ''): InputError[] {
  return errors.flatMap((error): InputError[] => {
    const pointer = `${parent}/${pointerPart(error.property)}`;
    const broken = brokenRuleOf(error);
    if (!broken) return inputErrorsOf(error.children ?? [], pointer);
    const { detail, context } = broken;
    return [{ pointer: pointer + (context.at?.(error.value) ?? ''), code: context.code ?? 'invalid_field', detail }];
  });
}

function parameterErrorOf(error: ValidationError): InputError {
  const { detail, context } = brokenRuleOf(error)!;
  return { parameter: error.property, code: context.code ?? 'invalid_parameter', detail };
}

function brokenRuleOf({ constraints = {}, contexts = {} }: ValidationError) {
  // Decorators are applied from the last to the first.
  const [rule, message] = Object.entries(constraints).at(-1) ?? [];
  if (rule === undefined || message === undefined) return undefined;
  return { detail: /[.?!]$/.test(message) ? message : `${message}.`, context: (contexts[rule] ?? {}) as RuleContext };
}
