import { Registry } from 'prom-client';
import { EventBroker } from './event-broker';
import { PrometheusMetrics } from './prometheus-metrics';

it('published, processed, failed and waiting events are counted under the names that dashboards know', async () => {
  const register = new Registry();
  const broker = new EventBroker({
    mode: 'sync',
    metrics: new PrometheusMetrics(register),
    retryPolicy: { maxRetries: 1, initialDelayMs: 3_600_000 },
  });
  await broker.start();
  broker.subscribe('public.users.create', () => {});
  broker.subscribe('public.users.delete', (_, { attempt }) => {
    if (attempt === 1) throw new Error('not yet');
  });
  expect(await register.getSingleMetricAsString('eventbroker_queue_size')).toContain('eventbroker_queue_size 0');
  await broker.publish({ type: 'public.users.create', source: 'database' });
  await broker.publishAsync({ type: 'public.users.delete', source: 'frontend' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(await register.getSingleMetricAsString('eventbroker_queue_size')).toContain('eventbroker_queue_size 1');
  await broker.stop();
  const text = await register.metrics();
  expect(text).toContain('eventbroker_events_published_total{source="database",type="public.users.create"} 1');
  expect(text).toContain(
    'eventbroker_events_processed_total{source="frontend",type="public.users.delete",status="completed"} 1',
  );
  expect(text).toContain(
    'eventbroker_event_processing_duration_seconds_count{source="database",type="public.users.create"} 1',
  );
  expect(text).toContain('eventbroker_queue_size 0');
});
