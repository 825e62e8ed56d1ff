import { Refused } from '@tocsin/contracts';

/** Some of the messages were not confirmed in time. Those that were are named; sending all of them again is safe. */
export class PublishFailed extends Refused {
  constructor(readonly confirmed: readonly string[]) {
    super(
      'publish_failed',
      'The queue did not confirm every message. Send all of them again: their ids make that safe.',
    );
  }
}
