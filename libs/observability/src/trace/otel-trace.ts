import type { SpanKind as Kinds, Span as OtelSpan, Tracer } from '@opentelemetry/api';
import type { IdGenerator, Sampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { TraceContext } from '@tocsin/contracts';
import { Trace, type Span, type SpanEnd, type SpanStart } from './trace';

type Api = typeof import('@opentelemetry/api');

/** How long the end of the process waits for a collector, in milliseconds. */
const CLOSE_WITHIN_MS = 3_000;
/** How far our clock may be from the system's before it is set anew, in milliseconds. */
const MOST_DRIFT_MS = 2;
const SAMPLED = 1;

interface OtelTraceOptions {
  api: Api;
  provider: Pick<TracerProvider, 'getTracer' | 'shutdown'>;
  version: string;
  /** Whether a span whose parent is not sampled is never recorded: then the SDK is not asked. */
  followsParents: boolean;
  roots: Pick<NextTrace, 'isWanted'>;
}

/** Spans through the SDK of OpenTelemetry. */
export class OtelTrace extends Trace {
  override readonly on = true;
  private readonly tracer: Tracer;
  private readonly kinds: Record<NonNullable<SpanStart['kind']>, Kinds>;
  private origin = -Infinity;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: OtelTraceOptions) {
    super();
    const { INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER } = options.api.SpanKind;
    this.kinds = { internal: INTERNAL, server: SERVER, client: CLIENT, producer: PRODUCER, consumer: CONSUMER };
    this.tracer = options.provider.getTracer('tocsin', options.version);
  }

  override begin(name: string, { kind = 'internal', parent, at, attributes }: SpanStart = {}): Span | undefined {
    if (parent ? !parent.sampled && this.options.followsParents : !this.options.roots.isWanted()) return undefined;
    const span = this.tracer.startSpan(
      name,
      { kind: this.kinds[kind], startTime: at ?? this.now(), ...(attributes && { attributes: { ...attributes } }) },
      this.contextOf(parent),
    );
    return span.isRecording() ? new RecordedSpan(span, this) : undefined;
  }

  /** `Date.now` alone has no fractions, and `performance.now` alone does not follow a clock that is set. */
  override now(): number {
    const fine = this.origin + performance.now();
    const coarse = Date.now();
    if (Math.abs(fine - coarse) <= MOST_DRIFT_MS) return fine;
    this.origin = coarse - performance.now();
    return coarse;
  }

  override close(): Promise<void> {
    this.closing ??= new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_WITHIN_MS);
      this.options.provider
        .shutdown()
        .catch(() => undefined) // the exporter has told it
        .finally(() => {
          clearTimeout(timer);
          resolve();
        });
    });
    return this.closing;
  }

  private contextOf(parent: TraceContext | undefined) {
    const { ROOT_CONTEXT, trace } = this.options.api;
    if (!parent) return ROOT_CONTEXT;
    return trace.setSpanContext(ROOT_CONTEXT, {
      traceId: parent.trace_id,
      spanId: parent.span_id,
      traceFlags: parent.sampled ? SAMPLED : 0,
      isRemote: true,
    });
  }
}

/** `SpanStatusCode.ERROR` of the API, which is loaded only where spans are recorded. */
const ERROR = 2;

class RecordedSpan implements Span {
  readonly context: TraceContext;

  constructor(
    private readonly span: OtelSpan,
    private readonly clock: Pick<Trace, 'now'>,
  ) {
    const { traceId, spanId } = span.spanContext();
    this.context = { trace_id: traceId, span_id: spanId, sampled: true };
  }

  end({ at, name, attributes, failed }: SpanEnd = {}): void {
    if (name) this.span.updateName(name);
    if (attributes) this.span.setAttributes(attributes);
    if (failed) this.span.setStatus({ code: ERROR, message: failed });
    this.span.end(at ?? this.clock.now());
  }
}

/**
 * Draws the ids of traces that begin here, and asks the sampler about each before there is a span: the SDK makes one to
 * find out that it is not recorded, which costs more than the rest of the tracing of an alert where few are.
 */
export class NextTrace implements IdGenerator {
  private drawn: string | undefined;

  constructor(
    private readonly random: IdGenerator,
    private readonly sampler: Pick<Sampler, 'shouldSample'>,
    private readonly api: Api,
  ) {}

  /** Whether the next trace is recorded. It gets the id that the sampler has judged, as others will judge it too. */
  isWanted(): boolean {
    const { ROOT_CONTEXT, SpanKind } = this.api;
    const id = this.random.generateTraceId();
    const { decision } = this.sampler.shouldSample(ROOT_CONTEXT, id, '', SpanKind.INTERNAL, {}, []);
    const isWanted = decision !== NOT_RECORD;
    this.drawn = isWanted ? id : undefined;
    return isWanted;
  }

  generateTraceId(): string {
    const id = this.drawn ?? this.random.generateTraceId();
    this.drawn = undefined;
    return id;
  }

  generateSpanId(): string {
    return this.random.generateSpanId();
  }
}

/** `SamplingDecision.NOT_RECORD` of the SDK. */
const NOT_RECORD = 0;

/** The sampler of a name in `OTEL_TRACES_SAMPLER`. The SDK has the samplers, and reads no variable itself. */
export function samplerOf(
  { api, sdk }: { api: Api; sdk: typeof import('@opentelemetry/sdk-trace') },
  name: string,
  share: number,
): { sampler: Sampler; followsParents: boolean; roots: NextTrace } {
  const followsParents = name.startsWith('parentbased_');
  const root = name.endsWith('always_on')
    ? new sdk.AlwaysOnSampler()
    : name.endsWith('always_off')
      ? new sdk.AlwaysOffSampler()
      : new sdk.TraceIdRatioBasedSampler(share);
  const roots = new NextTrace(new sdk.RandomIdGenerator(), root, api);
  return { sampler: followsParents ? new sdk.ParentBasedSampler({ root }) : root, followsParents, roots };
}
