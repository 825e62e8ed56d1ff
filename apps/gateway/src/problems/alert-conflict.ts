import { Refused, type Alert } from '@tocsin/contracts';

/** Somebody was first, or the producer was: the answer shows the alert as it is now. */
export class AlertConflict extends Refused {
  constructor(
    detail: string,
    readonly alert: Alert,
  ) {
    super('alert_conflict', detail);
    this.name = 'AlertConflict';
  }
}
