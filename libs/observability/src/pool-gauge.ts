import { Gauge, type Registry } from 'prom-client';

const STATES = ['active', 'idle', 'waiting'] as const;
type PoolState = Record<(typeof STATES)[number], number>;

/** The connections of the database pools. Their state is read each time the metrics are read. */
export class PoolGauge {
  private readonly pools: (() => PoolState)[] = [];

  constructor(registry: Registry) {
    const { pools } = this;
    new Gauge({
      name: 'tocsin_db_pool_connections',
      help: 'Connections of the database pools, and callers that wait for one.',
      labelNames: ['state'],
      registers: [registry],
      collect() {
        const read = pools.map((pool) => pool());
        for (const state of STATES)
          this.set(
            { state },
            read.reduce((sum, pool) => sum + pool[state], 0),
          );
      },
    });
  }

  /** Adds a pool. Several pools are added up. */
  observe(pool: () => PoolState): void {
    this.pools.push(pool);
  }
}
