const { default: Sequencer } = require(
  require.resolve('@jest/test-sequencer', {
    paths: [require.resolve('@jest/core', { paths: [require.resolve('jest')] })],
  }),
);

/**
 * Files that take long, roughly the longest first. If one of them began last, the other workers would have nothing to
 * do meanwhile. On a new machine Jest knows no durations and orders by file size. Two files that draw pages or start
 * processes all the time stand apart from each other. A wrong line costs seconds and breaks nothing.
 */
const SLOW = [
  'apps/standalone/src/embedded-log.spec.ts',
  'examples/react/package.spec.ts',
  'apps/gateway/src/live/event-stream.spec.ts',
  'libs/embedded/src/pglite.spec.ts',
  'scripts/boundaries.spec.ts',

  'libs/rabbitmq/src/alert-source.rabbit.int.spec.ts',
  'libs/postgres/src/event-log.postgres.int.spec.ts',
  'libs/redis/src/event-bus.redis.int.spec.ts',
  'apps/cli/src/publish.int.spec.ts',
  'examples/publish-typescript/publish.int.spec.ts',

  'e2e/state-model.e2e.spec.ts',
  'e2e/browser/sign-in.e2e.spec.ts',
  'e2e/cli-package.e2e.spec.ts',
  'e2e/standalone.e2e.spec.ts',
  'e2e/browser/refused-messages.e2e.spec.ts',
  'e2e/guide.e2e.spec.ts',
  'e2e/faults/notifier-faults.e2e.spec.ts',
  'e2e/browser/push.e2e.spec.ts',
  'e2e/openapi-fuzz.e2e.spec.ts',
  'e2e/access-table.e2e.spec.ts',
  'e2e/browser/tenants.e2e.spec.ts',
  'e2e/isolation-fuzz.e2e.spec.ts',
  'e2e/doctor.e2e.spec.ts',
  'e2e/browser/phone.e2e.spec.ts',
  'e2e/faults/notifier-kills.e2e.spec.ts',
  'e2e/faults/ingest-outage.e2e.spec.ts',
  'e2e/browser/health.e2e.spec.ts',
  'e2e/plain-bridge.e2e.spec.ts',
  'e2e/faults/rights.e2e.spec.ts',
  'e2e/browser/deliveries.e2e.spec.ts',
  'e2e/faults/ingest-broker.e2e.spec.ts',
  'e2e/faults/vanished.e2e.spec.ts',
  'e2e/browser/dashboard-moments.e2e.spec.ts',
  'e2e/configuration.e2e.spec.ts',
  'e2e/acts.e2e.spec.ts',
  'e2e/browser/dashboard.e2e.spec.ts',
  'e2e/faults/ingest-poison.e2e.spec.ts',
  'e2e/faults/ingest-mutants.e2e.spec.ts',
  'e2e/browser/page-truth.e2e.spec.ts',
  'e2e/state-model-mutants.e2e.spec.ts',
  'e2e/postgres-alone.e2e.spec.ts',
  'e2e/browser/inbox.e2e.spec.ts',
  'e2e/metrics.e2e.spec.ts',
  'e2e/nats-queue.e2e.spec.ts',
  'e2e/browser/react-client.e2e.spec.ts',
  'e2e/faults/ingest-races.e2e.spec.ts',
  'e2e/gapless.e2e.spec.ts',
  'e2e/browser/cookie-door.e2e.spec.ts',
  'e2e/command-line.e2e.spec.ts',
  'e2e/pgbouncer.e2e.spec.ts',
  'e2e/faults/lifetime.e2e.spec.ts',
  'e2e/faults/restore.e2e.spec.ts',
  'e2e/hardening.e2e.spec.ts',
  'e2e/access-mutants.e2e.spec.ts',
  'e2e/faults/mutants.e2e.spec.ts',
  'e2e/dead-letters.e2e.spec.ts',
  'e2e/starting.e2e.spec.ts',
  'e2e/redis-queue.e2e.spec.ts',
  'e2e/faults/admission.e2e.spec.ts',
  'e2e/faults/ingest-kills.e2e.spec.ts',
];

const placeOf = ({ path }) => {
  const at = SLOW.findIndex((file) => path.replaceAll('\\', '/').endsWith(`/${file}`));
  return at < 0 ? SLOW.length : at;
};

module.exports = class SlowFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => placeOf(a) - placeOf(b));
  }
};
