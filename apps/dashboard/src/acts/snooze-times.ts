import type { AlertAct } from '@tocsin/contracts/wire';

export const HOUR_MS = 3_600_000;

/** The snooze of a short swipe. */
export const anHourFrom = (now: number): number => now + HOUR_MS;

export const snoozeUntil = (until: number): AlertAct => ({ act: 'snooze', until: new Date(until).toISOString() });
