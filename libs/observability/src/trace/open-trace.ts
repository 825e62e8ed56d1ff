import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Log } from '../logger';
import { OtelTrace, samplerOf } from './otel-trace';
import { wantsTraces, type TraceSettings } from './settings';
import { NoTrace, type Trace } from './trace';

interface TracedProcess {
  app: string;
  version: string;
  settings: TraceSettings;
  log: Pick<Log, 'info' | 'warn'>;
}

/** The spans of a process, by its settings. A process that traces nothing does not load the SDK. */
export async function openTrace({ app, version, settings, log }: TracedProcess): Promise<Trace> {
  if (!wantsTraces(settings)) return new NoTrace();
  const [api, sdk, { defaultResource, resourceFromAttributes }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    settings.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json'
      ? import('@opentelemetry/exporter-trace-otlp-http')
      : import('@opentelemetry/exporter-trace-otlp-proto'),
  ]);
  const { sampler, followsParents, roots } = samplerOf(
    { api, sdk },
    settings.OTEL_TRACES_SAMPLER,
    settings.OTEL_TRACES_SAMPLER_ARG,
  );
  const resource = resourceFromAttributes({
    'service.version': version,
    ...settings.OTEL_RESOURCE_ATTRIBUTES,
    'service.name': settings.OTEL_SERVICE_NAME ?? `tocsin-${app}`,
  });
  const exporter = new OTLPTraceExporter({ url: addressOf(settings), headers: settings.OTEL_EXPORTER_OTLP_HEADERS });
  const provider = new sdk.TracerProvider({
    sampler,
    idGenerator: roots,
    resource: defaultResource().merge(resource),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new WatchedExporter(exporter, log),
        scheduledDelayMillis: settings.OTEL_BSP_SCHEDULE_DELAY,
        maxQueueSize: settings.OTEL_BSP_MAX_QUEUE_SIZE,
      }),
    ],
  });
  return new OtelTrace({ api, provider, version, followsParents, roots });
}

const addressOf = (settings: TraceSettings): string =>
  settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ??
  `${settings.OTEL_EXPORTER_OTLP_ENDPOINT!.replace(/\/$/, '')}/v1/traces`;

/** Logs when the receiver begins to fail and when it is back: the SDK itself logs nothing. */
export class WatchedExporter implements SpanExporter {
  private failing = false;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly log: Pick<Log, 'info' | 'warn'>,
  ) {}

  export(...[spans, onResult]: Parameters<SpanExporter['export']>): void {
    this.exporter.export(spans, (result) => {
      this.note(result.error);
      onResult(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private note(error: Error | undefined): void {
    if (error && !this.failing) this.log.warn({ err: error }, 'the receiver of spans takes none: they are lost');
    if (!error && this.failing) this.log.info('the receiver of spans takes them again');
    this.failing = error !== undefined;
  }
}
