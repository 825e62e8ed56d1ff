import { Refused } from '@tocsin/contracts';

/** Some messages were not confirmed in time. The confirmed ones are named; sending all of them again is safe. */
export class PublishFailed extends Refused {
  constructor(
    readonly confirmed: readonly string[],
    cause?: unknown,
  ) {
    super(
      'publish_failed',
      'The queue did not confirm every message. Send all of them again: their ids make that safe.',
      { cause },
    );
  }
}
