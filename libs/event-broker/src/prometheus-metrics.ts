import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { BrokerMetrics } from './broker-metrics';
import type { BrokerEvent } from './event';

/**
 * The metrics of one broker, in a registry of prom-client. The label `type` has as many values as there are types of
 * events: choose them from a fixed list.
 */
export class PrometheusMetrics implements BrokerMetrics {
  private readonly publishedTotal: Counter;
  private readonly processedTotal: Counter;
  private readonly duration: Histogram;
  private readonly queueSize: Gauge;
  private readSize = () => 0;

  constructor(register: Registry) {
    const registers = [register];
    this.publishedTotal = new Counter({
      name: 'eventbroker_events_published_total',
      help: 'Events published by this instance.',
      labelNames: ['source', 'type'],
      registers,
    });
    this.processedTotal = new Counter({
      name: 'eventbroker_events_processed_total',
      help: 'Events whose handlers are done with them on this instance, by status: completed or failed.',
      labelNames: ['source', 'type', 'status'],
      registers,
    });
    this.duration = new Histogram({
      name: 'eventbroker_event_processing_duration_seconds',
      help: 'From the moment an event is handed to its handlers until they are done, with the pauses between attempts.',
      labelNames: ['source', 'type'],
      registers,
    });
    this.queueSize = new Gauge({
      name: 'eventbroker_queue_size',
      help: 'Events that wait for a worker or for another attempt.',
      registers,
      collect: () => this.queueSize.set(this.readSize()),
    });
  }

  published({ source, type }: BrokerEvent): void {
    this.publishedTotal.inc({ source, type });
  }

  processed({ source, type }: BrokerEvent, status: 'completed' | 'failed', seconds: number): void {
    this.processedTotal.inc({ source, type, status });
    this.duration.observe({ source, type }, seconds);
  }

  observeQueue(size: () => number): void {
    this.readSize = size;
  }
}
