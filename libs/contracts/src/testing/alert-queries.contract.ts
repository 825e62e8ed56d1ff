import { describeCounting } from './alert-queries/counting.contract';
import { describeListing } from './alert-queries/listing.contract';
import type { OpenAlertQueries } from './alert-queries/opened-queries';
import { describeShownAlert } from './alert-queries/shown-alert.contract';

/** What every `AlertQueries` does. `open` is called once, so tests use tenants of their own. */
export function describeAlertQueries(name: string, { open }: { open(): Promise<OpenAlertQueries> }): void {
  describe(`${name} finds alerts`, () => {
    let opened: OpenAlertQueries | undefined;
    const alerts = () => opened!;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());

    describeShownAlert(alerts);
    describeListing(alerts);
    describeCounting(alerts);
  });
}
