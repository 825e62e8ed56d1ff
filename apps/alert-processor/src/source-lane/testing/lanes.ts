import type { AlertSource } from '@tocsin/contracts/ports';
import { createLogger, Metrics } from '@tocsin/observability';
import type { HandleBatch } from '../../handle-batch';
import { SourceLanes } from '../source-lanes';

export const silent = createLogger({ app: 'test', level: 'silent' });
export const testMetrics = () => new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });

/** The lanes of a source, as the processor has them. */
export const lanesOf = (source: AlertSource): SourceLanes => new SourceLanes(source, silent, testMetrics());

/** Consumes sources by lanes; `stopLanes` stops those of the test. */
export function lanesForTests() {
  const opened: SourceLanes[] = [];
  return {
    consume(source: AlertSource, handle: HandleBatch): Promise<void> {
      const lanes = lanesOf(source);
      opened.push(lanes);
      return lanes.consume(handle);
    },
    stopLanes: async () => void (await Promise.all(opened.splice(0).map((lanes) => lanes.stop()))),
  };
}
