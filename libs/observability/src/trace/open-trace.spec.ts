import { readSettings } from '@tocsin/settings';
import { createLogger } from '../logger';
import { openTrace, WatchedExporter } from './open-trace';
import { traceSettings, wantsTraces } from './settings';

const read = (environment: Record<string, string>) => readSettings(traceSettings, environment);
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

it.each([
  [{}, false],
  [ENDPOINT, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' }, true],
  [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, false],
  [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }, false],
])('with %j a process traces: %p', (environment, traces) => expect(wantsTraces(read(environment))).toBe(traces));

it('without an endpoint nothing of OpenTelemetry is loaded', async () => {
  const log = createLogger({ app: 'test', level: 'silent' });
  jest.doMock('@opentelemetry/sdk-trace', () => {
    throw new Error('loaded');
  });
  expect((await openTrace({ app: 'test', version: '1', settings: read({}), log })).on).toBe(false);
  await expect(openTrace({ app: 'test', version: '1', settings: read(ENDPOINT), log })).rejects.toThrow('loaded');
  jest.dontMock('@opentelemetry/sdk-trace');
});

it('pairs are read with their percent-encoding, and a wrong one is named at the start', () => {
  expect(read({ OTEL_RESOURCE_ATTRIBUTES: 'a=b%2Cc, d = e=f ,' }).OTEL_RESOURCE_ATTRIBUTES).toEqual({
    a: 'b,c',
    d: 'e=f',
  });
  for (const wrong of ['a', '=b', 'a=%zz'])
    expect(() => read({ OTEL_EXPORTER_OTLP_HEADERS: wrong })).toThrow(/^OTEL_EXPORTER_OTLP_HEADERS is not valid/);
});

it('gRPC, a sampler of another name and a share beyond 1 are refused', () => {
  expect(() =>
    read({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_SAMPLER: 'jaeger', OTEL_TRACES_SAMPLER_ARG: '2' }),
  ).toThrow(/PROTOCOL is not valid[^]*SAMPLER is not valid[^]*SAMPLER_ARG is not valid/);
});

it('a receiver that fails is told once, and once when it is back', () => {
  const told: string[] = [];
  const log = { warn: (_: unknown, text: string) => told.push(text), info: (text: string) => told.push(text) };
  let error: Error | undefined;
  const exporter = {
    export: (_: unknown, done: (result: { code: number; error?: Error }) => void) =>
      done({ code: 0, ...(error && { error }) }),
    shutdown: async () => undefined,
  };
  const watched = new WatchedExporter(exporter, log as never);
  const results: (Error | undefined)[] = [];
  for (const next of [undefined, new Error('away'), new Error('away'), undefined, undefined]) {
    error = next;
    watched.export([], (result) => void results.push(result.error));
  }
  expect(results.filter(Boolean)).toHaveLength(2);
  expect(told).toEqual(['the receiver of spans takes none: they are lost', 'the receiver of spans takes them again']);
});
