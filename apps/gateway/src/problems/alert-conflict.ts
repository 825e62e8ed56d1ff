import { Refused, type Alert } from '@tocsin/contracts';

/** Another user, or the producer, changed the alert first: the response shows the alert as it is now. */
export class AlertConflict extends Refused {
  constructor(
    detail: string,
    readonly alert: Alert,
  ) {
    super('alert_conflict', detail);
    this.name = 'AlertConflict';
  }
}
