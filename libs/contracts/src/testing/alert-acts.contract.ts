import { describeActRules } from './alert-acts/act-rules.contract';
import { describeManyActs } from './alert-acts/many-acts.contract';
import { describeOneAct } from './alert-acts/one-act.contract';
import type { OpenAlertActs } from './alert-acts/opened-acts';
import { describeSnoozing } from './alert-acts/snoozing.contract';

/** What every `AlertActs` does without a fault. `open` is called once, so tests use tenants of their own. */
export function describeAlertActs(name: string, { open }: { open(): Promise<OpenAlertActs> }): void {
  describe(`${name} as what people do with alerts`, () => {
    let opened: OpenAlertActs | undefined;
    const alerts = () => opened!;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());

    describeOneAct(alerts);
    describeManyActs(alerts);
    describeActRules(alerts);
    describeSnoozing(alerts);
  });
}
