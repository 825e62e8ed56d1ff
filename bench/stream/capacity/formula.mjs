// What an installation needs, by calculation. docs/capacity.md explains the formula and quotes the constants. Both are
// checked by `npm run bench:stream -- --only capacity`: it measures the constants at some sizes, and compares what the
// formula says of other sizes with what these take.

/** What one of each costs, as measured by a run of the bench that docs/capacity.md names. */
export const CONSTANTS = {
  /** Gateway: CPU time of an entry, once in each gateway that has streams of its tenant; in microseconds. */
  entryUs: 133,
  /** Gateway: CPU time of a write of an entry to one stream, in microseconds. */
  writeUs: 11.5,
  /** Gateway: resident memory without streams, in MB. */
  restMb: 167,
  /** Gateway: resident memory of an open stream, and of a tenant that has streams; in KB. */
  streamKb: 7.54,
  tenantKb: 6.2,
  /** PostgreSQL: CPU time of a batch of the processor, and of each alert in it; in microseconds. */
  batchUs: 1_150,
  alertUs: 62.2,
  /** PostgreSQL: disk of an alert and its first entry, and of the id by which a repeat is recognised; in bytes. */
  entryBytes: 857,
  idBytes: 206,
};

/** The share of a core from which on a gateway joins entries: it needs less than the formula says, and delays them. */
export const JOINS_FROM = 0.5;

/** How many of each constant a size takes. */
export const TERMS = {
  /** Of one alert in all gateways, each of which has streams of its tenant. */
  gatewayUs: ({ streams, tenants, gateways = 1 }) => ({ entryUs: gateways, writeUs: streams / tenants }),
  gatewayKb: ({ streams, tenants }) => ({ streamKb: streams, tenantKb: tenants }),
  /** Of one alert. */
  postgresUs: ({ batch }) => ({ alertUs: 1, batchUs: 1 / batch }),
  entryBytes: ({ alerts }) => ({ entryBytes: alerts }),
  idBytes: ({ alerts }) => ({ idBytes: alerts }),
};

export const sumOf = (terms, constants) =>
  Object.entries(terms).reduce((sum, [name, count]) => sum + count * constants[name], 0);

/**
 * The constants that make the terms of each size add up to what was measured: one size for each constant, and at most
 * two.
 */
export function solve(sizes) {
  const names = Object.keys(sizes[0].terms);
  const [[a, b], [c, d] = [0, 1]] = sizes.map(({ terms }) => names.map((name) => terms[name]));
  const [m, n] = sizes.map(({ measured }) => measured);
  if (names.length === 1) return { [names[0]]: m / a };
  const determinant = a * d - b * c;
  return { [names[0]]: (m * d - b * n) / determinant, [names[1]]: (a * n - m * c) / determinant };
}

const DAY_SECONDS = 86_400;

/**
 * What a load needs. `peak` and `average` are alerts a second of all tenants, and streams are spread evenly over the
 * tenants, and both over the gateways. Rings come on top of the memory, deliveries and repeats on top of the disk.
 */
export function needsOf(load, constants = CONSTANTS) {
  const { streams, tenants, gateways, peak, average, batch, retentionDays, dedupDays } = load;
  const day = { alerts: average * DAY_SECONDS };
  return {
    gatewayCores: (peak * sumOf(TERMS.gatewayUs({ streams, tenants, gateways }), constants)) / gateways / 1e6,
    gatewayMb: constants.restMb + sumOf(TERMS.gatewayKb({ streams: streams / gateways, tenants }), constants) / 1024,
    postgresCores: (peak * sumOf(TERMS.postgresUs({ batch }), constants)) / 1e6,
    diskGb:
      (retentionDays * sumOf(TERMS.entryBytes(day), constants) + dedupDays * sumOf(TERMS.idBytes(day), constants)) /
      1e9,
  };
}

/** The worked example of docs/capacity.md. */
export const EXAMPLE = {
  ...{ streams: 10_000, tenants: 100, gateways: 2, peak: 200, average: 20, batch: 2 },
  ...{ retentionDays: 90, dedupDays: 7 },
};
