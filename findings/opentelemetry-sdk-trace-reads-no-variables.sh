#!/bin/sh
# @opentelemetry/sdk-trace 2.12.1 beside @opentelemetry/sdk-trace-base 2.12.1: the same classes by their looks, and only
# the older name reads the variables of the standard.
#
# An operator sets OTEL_TRACES_SAMPLER or OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT and expects any OpenTelemetry SDK to obey. A
# provider of sdk-trace ignores both and says nothing: with `always_off` it records every span, and a limit of attributes
# has no effect. A service that moves to the new package has to read the variables itself.
#
# Seen on 2026-11-29:
#   OTEL_TRACES_SAMPLER=always_off: sdk-trace recorded 1, sdk-trace-base recorded 0
#   OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=2, five given: sdk-trace kept 5, sdk-trace-base kept 2
set -eu
command -v npm >/dev/null || exit 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error \
  @opentelemetry/api@1.9.1 @opentelemetry/sdk-trace@2.12.1 @opentelemetry/sdk-trace-base@2.12.1 >/dev/null || exit 2
cat > main.cjs <<'JS'
const providers = {
  'sdk-trace': require('@opentelemetry/sdk-trace').TracerProvider,
  'sdk-trace-base': require('@opentelemetry/sdk-trace-base').BasicTracerProvider,
};
const [what] = process.argv.slice(2);
const seen = Object.entries(providers).map(([name, Provider]) => {
  const ended = [];
  const processor = { onStart() {}, onEnd: (span) => ended.push(span), forceFlush: async () => {}, shutdown: async () => {} };
  const tracer = new Provider({ spanProcessors: [processor] }).getTracer('finding');
  tracer.startSpan('span', { attributes: { a: 1, b: 1, c: 1, d: 1, e: 1 } }).end();
  return `${name} ${what} ${what === 'recorded' ? ended.length : Object.keys(ended[0].attributes).length}`;
});
console.log(seen.join(', '));
JS
{
  printf 'OTEL_TRACES_SAMPLER=always_off: '
  OTEL_TRACES_SAMPLER=always_off node main.cjs recorded
  printf 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=2, five given: '
  OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=2 node main.cjs kept
} | tee seen
cat > expected <<'TXT'
OTEL_TRACES_SAMPLER=always_off: sdk-trace recorded 1, sdk-trace-base recorded 0
OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=2, five given: sdk-trace kept 5, sdk-trace-base kept 2
TXT
cmp -s seen expected || { echo 'changed'; exit 1; }
