/**
 * The fields that an alert must have before it is sent: behind the broker nothing can tell the sender what is missing.
 */
const REQUIRED = ['tenant_id', 'service', 'severity'] as const;

/** Whether a value is text that is not blank. */
export const isSaid = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/**
 * Why an alert is not sent, as the end of a sentence about it; undefined when it may be sent. The types require the
 * same, but callers may use JavaScript.
 */
export function obstacleIn(alert: unknown): string | undefined {
  if (typeof alert !== 'object' || alert === null || Array.isArray(alert)) return 'is no object';
  const missing = REQUIRED.filter((name) => !isSaid((alert as Record<string, unknown>)[name]));
  return missing.length > 0 ? `has no ${missing.join(' and no ')}` : undefined;
}

/** Throws `TypeError` for the first alert that may not be sent. Nothing is sent then. */
export function refuseUnpublishable(alerts: readonly unknown[]): void {
  alerts.forEach((alert, place) => {
    const obstacle = obstacleIn(alert);
    if (obstacle) throw new TypeError(`alerts[${place}] ${obstacle}. Nothing was published.`);
  });
}
