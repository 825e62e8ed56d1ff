/**
 * What the doctor can find, each with the usual cause and the way out. The names are a contract: scripts match on them.
 */
export const FINDINGS = {
  unreachable: 'Start the gateway, or correct the address, the DNS or the firewall.',
  certificate_untrusted: 'Install a certificate that clients trust, with its whole chain.',
  certificate_expires: 'Renew the certificate, and find out why that did not happen by itself.',
  http1_only:
    'Turn HTTP/2 on at the proxy: over HTTP/1.1 a browser opens at most six connections, and each stream takes one.',
  not_encrypted: 'Serve the gateway over https: over http tokens and alerts can be read on the way.',
  admin_exposed: 'Route the public port alone: the admin port (ADMIN_PORT) is for operators.',
  stream_refused:
    'The code says why: docs/errors.md lists them all. The token is TOCSIN_TOKEN, or one signed for --user.',
  not_a_stream: 'Route /api/events to the gateway: something else answers there.',
  stream_buffered: 'Turn the buffering of responses off at the proxy (nginx: proxy_buffering off).',
  timeout_below_heartbeat:
    'Raise the read timeout of the proxy well above HEARTBEAT_MS (to an hour), or make HEARTBEAT_MS smaller.',
  heartbeat_missing: 'Look for a proxy that holds small writes back: buffering, compression, a virus scanner.',
  stream_cut: 'Raise the limit of the proxy for the length of a whole response.',
  position_lost: 'Let the proxy pass Last-Event-ID on: without it each reconnect misses or repeats alerts.',
  cors_refused: 'Add the origin to CORS_ORIGINS, exactly as the browser writes it.',
  cors_duplicated: 'Let the gateway alone send Access-Control-Allow-Origin: a browser refuses two.',
  clock_skew: 'Let NTP set the clocks: tokens are refused early or late, and measured delays are wrong.',
  process_unreachable: 'Start the process, or correct the address that --admin gives.',
  not_ready: 'Read the log of the process from its start.',
  dependency_down: 'Bring the dependency back; docs/operate.md says what happens meanwhile.',
  versions_apart: 'End the rollout, or take it back.',
  intake_blocked: 'Free memory or disk where RabbitMQ has an alarm. Another queue is full: let processors drain it.',
  broker_unreachable: 'Correct RABBITMQ_URL, or start RabbitMQ.',
  queue_missing: 'Start a processor: it declares the queues. Compare RABBITMQ_PREFIX where it is set.',
  queue_without_consumer: 'Start processors, and read the log of those that run.',
  backlog: 'Start more processors, or look why those that run are slow: docs/operate.md.',
} as const;

export type FindingName = keyof typeof FINDINGS;

/** Something that is wrong, and where. */
export interface Finding {
  finding: FindingName;
  /** A sentence with what was seen. */
  detail: string;
}

/** What became of one check. */
export interface Checked {
  check: string;
  /** What was seen where nothing is wrong; else why nothing was checked. */
  seen?: string;
  /** Why the check was left out. */
  skipped?: string;
  findings: Finding[];
}

export const found = (finding: FindingName, detail: string): Finding => ({ finding, detail });

/** The most that two clocks may differ, in milliseconds: a timestamp of HTTP has whole seconds. */
export const MAX_SKEW_MS = 3_000;

/**
 * The finding, if a clock that showed `theirsMs` at some moment between two of ours is off. Times are epoch
 * milliseconds.
 */
export function clockSkew(where: string, theirsMs: number, sentAtMs: number, receivedAtMs: number): Finding[] {
  const skewMs = theirsMs < sentAtMs ? theirsMs - sentAtMs : Math.max(0, theirsMs - receivedAtMs);
  if (Number.isNaN(theirsMs) || Math.abs(skewMs) <= MAX_SKEW_MS) return [];
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  return [
    found('clock_skew', `The clock of ${where} is ${seconds} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine's.`),
  ];
}
