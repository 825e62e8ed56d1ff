import { parse as parseJson } from '@humanwhocodes/momoa';
import { Liquid, LiquidError, type Template, type Variable } from 'liquidjs';
import { didYouMean } from '@tocsin/messages';
import { limitedContext, TooMuchWork } from './render-limits';
import { NAMES, NAMES_OF_DATA, SAMPLES, type TemplateView } from './template-view';

/** The longest template, in characters. */
export const MAX_TEMPLATE = 16_384;
/** The longest body that a template may make, in characters. The alert that it tells of may have 64 KiB. */
const MAX_BODY = 262_144;
/** Garbage collection during a rendering counts as its CPU time, but hardly happens twice in a row. */
const TRIES = 2;

/** A template that cannot be parsed, or makes no body. `line` and `column` count from 1. */
export class TemplateFault extends Error {
  constructor(
    readonly line: number,
    readonly column: number,
    says: string,
    /** Whether it took too long, which another time may not. */
    readonly isSlow = false,
  ) {
    super(`Line ${line}, column ${column}: ${says}`);
  }
}

/**
 * Within a JSON text, a text is written without quotes and so that it cannot end the string around it. Everything else
 * is written as JSON. What is absent is written as nothing.
 */
const escape = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? JSON.stringify(value).slice(1, -1) : JSON.stringify(value);
};

const engine = new Liquid({
  strictFilters: true,
  ownPropertyOnly: true,
  outputEscape: escape,
  // no template of another name is found, on the disk or elsewhere
  templates: {},
});
for (const tag of ['include', 'render', 'layout', 'block']) delete engine.tags[tag];
// without `raw`, no text of an alert can change what the body says around it
delete engine.filters.raw;
engine.registerFilter('json', { raw: true, handler: (value: unknown) => JSON.stringify(value ?? null) });

/**
 * Tries a template: whether it can be parsed, names only what there is, and makes JSON of an alert and of a
 * notification. Undefined: it does. Names within labels and metadata are not checked, because producers choose them.
 */
export function faultOf(source: string): TemplateFault | undefined {
  try {
    const parsed = parse(source);
    refuseUnknownNames(parsed);
    for (const [name, view] of SAMPLES) render(parsed, view, name);
    return undefined;
  } catch (error) {
    if (error instanceof TemplateFault) return error;
    throw error;
  }
}

/** The body for a delivery: JSON. Throws `TemplateFault`. Pure: equal arguments give equal bodies. */
export const bodyOf = (source: string, view: TemplateView): string => render(parse(source), view, 'this delivery');

function parse(source: string): Template[] {
  if (source.length > MAX_TEMPLATE) throw new TemplateFault(1, 1, `A template has at most ${MAX_TEMPLATE} characters.`);
  try {
    return engine.parse(source);
  } catch (error) {
    throw located(error);
  }
}

function refuseUnknownNames(parsed: Template[]): void {
  for (const { segments, location } of Object.values(engine.analyzeSync(parsed).globals).flat() as Variable[]) {
    const [first, second] = segments;
    const refuse = (name: string, known: readonly string[], full: string) => {
      throw new TemplateFault(location.row, location.col, `There is no ${full}.${didYouMean(name, known)}`);
    };
    if (typeof first === 'string' && !NAMES.includes(first)) refuse(first, NAMES, first);
    if (first === 'data' && typeof second === 'string' && !NAMES_OF_DATA.includes(second))
      refuse(second, NAMES_OF_DATA, `data.${second}`);
  }
}

function render(parsed: Template[], view: TemplateView, name: string): string {
  const body = rendered(parsed, view, TRIES);
  if (body.length > MAX_BODY) throw new TemplateFault(1, 1, `The body of ${name} has over ${MAX_BODY} characters.`);
  try {
    JSON.parse(body);
    return body;
  } catch (error) {
    const before = body.slice(0, offsetOf(error as SyntaxError, body)).split('\n');
    throw new TemplateFault(before.length, before.at(-1)!.length + 1, `The body of ${name} is not JSON there.`);
  }
}

function rendered(parsed: Template[], view: TemplateView, tries: number): string {
  try {
    return engine.renderSync(parsed, limitedContext(engine, view)) as string;
  } catch (error) {
    const fault = located(error);
    if (fault.isSlow && tries > 1) return rendered(parsed, view, tries - 1);
    throw fault;
  }
}

/** Where a text stops being JSON. `JSON.parse` says it of some errors only. */
function offsetOf({ message }: SyntaxError, body: string): number {
  const said = /position (\d+)/.exec(message)?.[1];
  if (said !== undefined) return Number(said);
  try {
    parseJson(body);
    return 0;
  } catch (error) {
    return (error as { offset?: number }).offset ?? 0;
  }
}

/** An error of the engine as a fault; any other error is thrown on. */
function located(error: unknown): TemplateFault {
  // between two parts of the template the engine adds no place to what is thrown
  if (error instanceof TooMuchWork) return new TemplateFault(1, 1, `${error.message}.`, error.isSlow);
  if (!LiquidError.is(error)) throw error;
  const [line, column] = error.token.getPosition() as [number, number];
  const cause = error.originalError ?? error;
  const says = cause.message.replace(/, line:\d+, col:\d+$/, '');
  return new TemplateFault(line, column, `${says}.`, cause instanceof TooMuchWork && cause.isSlow);
}
