import { duration, onOff, setting } from '@tocsin/settings';
import { z } from 'zod';

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** `name=value,name=value`, percent-encoded. The SDK would leave out all of them for one that it cannot read. */
const pairs = z.string().transform((text, context) => {
  try {
    const parts = text.split(',').filter((part) => part.trim() !== '');
    return Object.fromEntries(
      parts.map((part): [string, string] => {
        const [, name, value] = /^([^=]+)=(.*)$/.exec(part)!;
        return [decodeURIComponent(name!.trim()), decodeURIComponent(value!.trim())];
      }),
    );
  } catch {
    context.addIssue({ code: 'custom', message: 'name=value is needed, with commas between several' });
    return z.NEVER;
  }
});

/**
 * The variables of the OpenTelemetry specification that we follow, with its names and defaults. The exporter reads its
 * other ones by itself (`OTEL_EXPORTER_OTLP_TIMEOUT`, `_COMPRESSION`, `_CERTIFICATE` and so on).
 */
export const traceSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// address' }).optional(),
    {
      description:
        'Where spans are sent: the base address of an OTLP receiver over HTTP, to which /v1/traces is appended. Unset, ' +
        'nothing is traced, and the tracing library is not loaded.',
      example: 'http://otel-collector:4318',
    },
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: setting(
    z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// address' }).optional(),
    {
      description: 'The same as a complete address, to which nothing is appended. It is used before the other.',
      example: 'http://otel-collector:4318/v1/traces',
    },
  ),
  OTEL_EXPORTER_OTLP_PROTOCOL: setting(z.enum(['http/protobuf', 'http/json']).default('http/protobuf'), {
    description: 'How spans are sent: http/protobuf or http/json. gRPC is not supported.',
  }),
  OTEL_EXPORTER_OTLP_HEADERS: setting(pairs.optional(), {
    description: 'Headers for the receiver, as name=value with commas between them; values are percent-encoded.',
    secret: true,
  }),
  OTEL_TRACES_EXPORTER: setting(z.enum(['otlp', 'none']).default('otlp'), {
    description: 'none turns tracing off, although there is an endpoint.',
  }),
  OTEL_SDK_DISABLED: setting(onOff.default(false), {
    description: 'true turns tracing off, although there is an endpoint.',
  }),
  OTEL_TRACES_SAMPLER: setting(z.enum(SAMPLERS).default('parentbased_always_on'), {
    description:
      'Which traces are recorded. Those that begin with parentbased_ follow the traceparent of a message or request, ' +
      'and decide only for one that has none.',
  }),
  OTEL_TRACES_SAMPLER_ARG: setting(z.coerce.number().min(0).max(1).default(1), {
    description: 'The share that traceidratio and parentbased_traceidratio record, from 0 to 1.',
  }),
  OTEL_SERVICE_NAME: setting(z.string().max(200).optional(), {
    description: 'The name of the process in traces. Unset, it is tocsin-gateway, tocsin-alert-processor and so on.',
  }),
  OTEL_RESOURCE_ATTRIBUTES: setting(pairs.optional(), {
    description: 'Attributes of the process in traces, as name=value with commas between them.',
    example: 'deployment.environment.name=production',
  }),
  OTEL_BSP_SCHEDULE_DELAY: setting(duration({ unit: 'ms', most: 60_000 }).default(5_000), {
    description: 'How long spans are collected before they are sent together, in milliseconds.',
  }),
  OTEL_BSP_MAX_QUEUE_SIZE: setting(z.coerce.number().int().min(512).max(100_000).default(2_048), {
    description: 'How many spans wait to be sent at most. Further ones are dropped.',
  }),
};

export type TraceSettings = Readonly<z.infer<z.ZodObject<typeof traceSettings>>>;

/** Whether these settings ask for spans. */
export const wantsTraces = (settings: Partial<TraceSettings>): boolean =>
  Boolean(settings.OTEL_EXPORTER_OTLP_ENDPOINT ?? settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) &&
  settings.OTEL_TRACES_EXPORTER !== 'none' &&
  !settings.OTEL_SDK_DISABLED;
