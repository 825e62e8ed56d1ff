/** What an alert must say before it is sent: nothing behind the broker can answer whoever forgot it. */
const REQUIRED = ['tenant_id', 'service', 'severity'] as const;

/** Whether a value is text that is not empty. Blanks are none. */
export const isSaid = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/** Why an alert is not sent, as the end of a sentence about it; undefined when it may be. Types say the same, where there are types. */
export function obstacleIn(alert: unknown): string | undefined {
  if (typeof alert !== 'object' || alert === null || Array.isArray(alert)) return 'is no object';
  const missing = REQUIRED.filter((name) => !isSaid((alert as Record<string, unknown>)[name]));
  return missing.length > 0 ? `has no ${missing.join(' and no ')}` : undefined;
}

/** Throws `TypeError` for the first alert that may not be sent; nothing is sent then. */
export function refuseUnpublishable(alerts: readonly unknown[]): void {
  alerts.forEach((alert, place) => {
    const obstacle = obstacleIn(alert);
    if (obstacle) throw new TypeError(`alerts[${place}] ${obstacle}. Nothing was published.`);
  });
}
