import { eventually } from '@tocsin/contracts/testing';
import type { Alert } from '@tocsin/contracts/wire';
import type { Doing } from './acts';
import { compareAlert, Difference } from './comparison';
import { Door, type Receipt, type System } from './door';
import type { During } from './fold-window';
import { TENANTS } from './history';
import type { Heard } from './model';
import { asked, failing, outcomesOf, type Outcome } from './requests';
import { FAULTS, type Asking, type Step } from './steps';
import { Witness } from './witness';

/** The list is read after every few steps: the event log, which is read after each step, shows nearly everything. */
const LIST_EVERY = 3;
/** How long to wait at most for changes that happen by time. */
const PATIENCE_MS = 20_000;

/** Runs a history in tenants of its own, and compares during the run. Throws `Difference` at the first one. */
export class Life {
  private readonly tenants: { door: Door; witness: Witness }[];
  private steps = 0;

  constructor(system: System, name: string) {
    this.tenants = Array.from({ length: TENANTS }, (_, at) => ({
      door: new Door(system, `${name}-${at}`),
      witness: new Witness(),
    }));
  }

  async live(step: Step): Promise<void> {
    if (step.do === 'rest') return this.rest();
    const { door, witness } = this.tenants[step.tenant]!;
    if (step.do === 'say') await this.say(door, witness, step);
    else if (step.do === 'act') await this.act(door, witness, step);
    else await this.fail(door, witness, step);
    this.steps += 1;
    if (this.steps % LIST_EVERY === 0) await this.compare(door, witness);
  }

  /** Compares everything that has not been compared yet. */
  async end(): Promise<void> {
    for (const { door, witness } of this.tenants) await this.compare(door, witness);
  }

  private async say(door: Door, witness: Witness, { messages }: Step & { do: 'say' }): Promise<void> {
    const from = Date.now();
    for (const { said, reordered } of messages.filter((one) => one.door === 'amqp'))
      await door.publish(said, reordered === true);
    const { status, text, receipts } = await door.post(messages.filter((one) => one.door === 'http'));
    const during = { from, to: Date.now() };
    witness.read(await door.newEntries());
    const heard = new Map<string, Heard>();
    for (const { said } of messages) heard.set(said.id, witness.hear(said, during));
    witness.settle();
    const isConflict = [...heard.values()].some(({ outcome }) => outcome === 'conflict');
    if (status === 409 && isConflict) return;
    if (status !== 201) throw new Difference(`${status} ${text}`);
    // an id in conflict has two messages, and a receipt may find either
    if (!isConflict)
      for (const { said, door: way } of messages)
        if (way === 'http') compareReceipt(said.id, receipts, witness.model.knows(said).seq);
  }

  private async act(door: Door, witness: Witness, { on, asking, isBulk }: Step & { do: 'act' }): Promise<void> {
    const alerts = on.flatMap((name) => witness.model.alerts.get(name) ?? []);
    if (alerts.length === 0) return;
    const ids = alerts.map(({ alertId }) => alertId);
    let { doing, answer, during } = await acted(door, asking, ids, isBulk);
    // a snooze that was over before it was asked for, on a busy machine, is asked for again
    for (let tries = 0; tries < 5 && isOver(doing, during) && answer.status === 422; tries += 1)
      ({ doing, answer, during } = await acted(door, asking, ids, isBulk));
    witness.read(await door.newEntries());
    // a snooze that ended in the meantime may have come before the act or after it
    const early = alerts.map((alert) => witness.model.judge(alert, doing, during));
    witness.passTime();
    if (isBulk && answer.status !== 200) throw new Difference(`${answer.status} ${answer.text}`);
    const outcomes: Map<string, Outcome> = isBulk
      ? outcomesOf(answer)
      : new Map([
          [
            alerts[0]!.alertId,
            { status: answer.status, alert: (answer.json.alert ?? answer.json) as unknown as Alert },
          ],
        ]);
    const order = isBulk ? witness.inOrderOfLog(alerts) : alerts;
    for (const alert of order) {
      const outcome = outcomes.get(alert.alertId);
      if (!outcome) throw new Difference(`no outcome of ${alert.alertId} in ${answer.text}`);
      const judged = witness.model.judge(alert, doing, during);
      const before = early[alerts.indexOf(alert)]!;
      if (outcome.status !== answerOf(judged) && outcome.status !== answerOf(before))
        throw new Difference(`${outcome.status} and not ${answerOf(judged)}: ${answer.text}`);
      const change =
        judged.answer === 'either'
          ? witness.isNextOf(alert)
            ? judged.change
            : 'nothing'
          : judged.answer === 200
            ? judged.change
            : 'nothing';
      if (outcome.status === 200 && change !== 'nothing') witness.acted(alert, doing, change, during);
      if (outcome.alert && outcome.status === 200) compareAlert(alert, outcome.alert);
    }
    witness.settle();
  }

  private async fail(door: Door, witness: Witness, { on, fault }: Step & { do: 'fail' }): Promise<void> {
    const alertId = witness.model.alerts.get(on)?.alertId;
    if (!alertId) return;
    const { status, json, text } = await failing(door, alertId, fault);
    const [expected, code] = FAULTS[fault];
    if (status !== expected || (json.code !== code && json.errors?.[0]?.code !== code))
      throw new Difference(`${fault}: ${status} ${text}, and by the documents ${expected} ${code}`);
  }

  /** Compares the list, and some alerts one by one. Changes that happened by time are in the event log first. */
  private async compare(door: Door, witness: Witness, alone = 0): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const alerts = await door.alerts();
      const shown = await Promise.all(alerts.slice(0, alone).map(({ alert_id }) => door.alert(alert_id)));
      if (tries < 5 && witness.isBehind([...alerts, ...shown])) {
        witness.read(await door.newEntries());
        witness.settle();
        continue;
      }
      witness.compare(alerts);
      for (const alert of shown) witness.compareShown(alert);
      return;
    }
  }

  /** Waits until every change by time has happened: then no folded repeat is unreported. */
  private async rest(): Promise<void> {
    for (const { door, witness } of this.tenants) {
      await until(async () => {
        witness.read(await door.newEntries());
        witness.settle();
        return witness.pending;
      });
      await this.compare(door, witness, 3);
      const { conflicts } = witness.model;
      await until(async () => {
        const there = await door.conflicts();
        return there === conflicts.length
          ? null
          : `${there} conflicts of ids, and by the documents ${conflicts.join(', ')}`;
      });
    }
  }
}

/** One act, with the time in which it was done. */
async function acted(door: Door, asking: Asking, ids: string[], isBulk: boolean) {
  const from = Date.now();
  const { doing, body } = asked(door, asking);
  const answer = isBulk
    ? await door.act(asking.user, null, { ...body, alert_ids: ids })
    : await door.act(asking.user, ids[0]!, body);
  return { doing, answer, during: { from, to: Date.now() } };
}

const isOver = ({ until }: Doing, { to }: During): boolean => until !== undefined && Date.parse(until) <= to;

/** Resolves when there is no difference any more. A difference that cannot disappear by waiting is thrown at once. */
async function until(whatIsWrong: () => Promise<string | null>): Promise<void> {
  const difference = await eventually(async () => {
    const wrong = await whatIsWrong().catch((error: unknown) =>
      error instanceof Difference ? error : Promise.reject(error),
    );
    if (typeof wrong === 'string') throw new Difference(wrong);
    return wrong;
  }, PATIENCE_MS);
  if (difference) throw difference;
}

const answerOf = ({ answer }: { answer: 200 | 409 | 'either' }): number => (answer === 409 ? 409 : 200);

function compareReceipt(id: string, receipts: readonly Receipt[], seq: number | null): void {
  const receipt = receipts.find((one) => one.id === id);
  // a message that was folded a moment ago may have its number by now
  const isRight =
    receipt &&
    (receipt.outcome === 'folded' ? receipt.seq === null : receipt.outcome === 'stored' && receipt.seq === seq);
  if (!isRight || (receipt.outcome === 'stored' && seq === null))
    throw new Difference(`the receipt of ${id} is ${JSON.stringify(receipt)}, and its entry ${seq}`);
}
