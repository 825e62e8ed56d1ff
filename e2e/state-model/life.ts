import { eventually } from '@tocsin/contracts/testing';
import type { Alert } from '@tocsin/contracts/wire';
import type { Answer } from '../kit/http';
import type { Doing } from './acts';
import { Door, unknownAlert, type Receipt, type System } from './door';
import { TENANTS } from './history';
import type { Heard } from './model';
import { FAULTS, type Asking, type Fault, type Step } from './steps';
import { Difference, Witness } from './witness';

/** The longest that is waited for what time does by itself. */
const PATIENCE_MS = 20_000;

/** Lives a history in tenants of its own, and compares after every step. Throws `Difference` at the first one. */
export class Life {
  private readonly tenants: { door: Door; witness: Witness }[];

  constructor(system: System, name: string) {
    this.tenants = Array.from({ length: TENANTS }, (_, at) => ({ door: new Door(system, `${name}-${at}`), witness: new Witness() }));
  }

  async live(step: Step): Promise<void> {
    if (step.do === 'rest') return this.rest();
    const { door, witness } = this.tenants[step.tenant]!;
    if (step.do === 'say') await this.say(door, witness, step);
    else if (step.do === 'act') await this.act(door, witness, step);
    else await this.fail(door, witness, step);
    await this.compare(door, witness);
  }

  private async say(door: Door, witness: Witness, { messages }: Step & { do: 'say' }): Promise<void> {
    const from = Date.now();
    for (const { said, reordered } of messages.filter((one) => one.door === 'amqp')) await door.publish(said, reordered === true);
    const { status, text, receipts } = await door.post(messages.filter((one) => one.door === 'http'));
    const during = { from, to: Date.now() };
    witness.read(await door.newEntries());
    const heard = new Map<string, Heard>();
    for (const { said } of messages) heard.set(said.id, witness.hear(said, during));
    witness.settle();
    const isConflict = [...heard.values()].some(({ outcome }) => outcome === 'conflict');
    if (status === 409 && isConflict) return;
    if (status !== 201) throw new Difference(`${status} ${text}`);
    // an id that is in conflict has two messages, of which a receipt may find either
    if (!isConflict) for (const { said, door: way } of messages) if (way === 'http') compareReceipt(said.id, receipts, witness.model.knows(said).seq);
  }

  private async act(door: Door, witness: Witness, { on, asking, isBulk }: Step & { do: 'act' }): Promise<void> {
    const alerts = on.flatMap((name) => witness.model.alerts.get(name) ?? []);
    if (alerts.length === 0) return;
    const from = Date.now();
    const { doing, body } = asked(door, asking);
    const answer = isBulk ? await door.act(asking.user, null, { ...body, alert_ids: alerts.map(({ alertId }) => alertId) }) : await door.act(asking.user, alerts[0]!.alertId, body);
    const during = { from, to: Date.now() };
    witness.read(await door.newEntries());
    // a snooze that ended meanwhile may have come before the act or after it
    const early = alerts.map((alert) => witness.model.judge(alert, doing, during));
    witness.passTime();
    if (isBulk && answer.status !== 200) throw new Difference(`${answer.status} ${answer.text}`);
    const outcomes: Map<string, Outcome> = isBulk ? outcomesOf(answer) : new Map([[alerts[0]!.alertId, { status: answer.status, alert: (answer.json.alert ?? answer.json) as unknown as Alert }]]);
    const order = isBulk ? witness.inOrderOfLog(alerts) : alerts;
    for (const alert of order) {
      const outcome = outcomes.get(alert.alertId);
      if (!outcome) throw new Difference(`no outcome of ${alert.alertId} in ${answer.text}`);
      const judged = witness.model.judge(alert, doing, during);
      const before = early[alerts.indexOf(alert)]!;
      if (outcome.status !== answerOf(judged) && outcome.status !== answerOf(before)) throw new Difference(`${outcome.status} and not ${answerOf(judged)}: ${answer.text}`);
      const change = judged.answer === 'either' ? (witness.isNextOf(alert) ? judged.change : 'nothing') : judged.answer === 200 ? judged.change : 'nothing';
      if (outcome.status === 200 && change !== 'nothing') witness.acted(alert, doing, change, during);
      if (outcome.alert && outcome.status === 200) witness.compareOne(alert, outcome.alert);
    }
    witness.settle();
  }

  private async fail(door: Door, witness: Witness, { on, fault }: Step & { do: 'fail' }): Promise<void> {
    const alertId = witness.model.alerts.get(on)?.alertId;
    if (!alertId) return;
    const { status, json, text } = await failing(door, alertId, fault);
    const [expected, code] = FAULTS[fault];
    if (status !== expected || (json.code !== code && json.errors?.[0]?.code !== code)) throw new Difference(`${fault}: ${status} ${text}, and by the documents ${expected} ${code}`);
  }

  private async compare(door: Door, witness: Witness): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const alerts = await door.alerts();
      if (tries < 5 && witness.isBehind(alerts)) {
        witness.read(await door.newEntries());
        witness.settle();
        continue;
      }
      witness.compare(alerts);
      return;
    }
  }

  /** Until all that time does is done: then nothing is folded that no entry has told of. */
  private async rest(): Promise<void> {
    for (const { door, witness } of this.tenants) {
      await eventually(async () => {
        witness.read(await door.newEntries());
        witness.settle();
        if (witness.pending) throw new Error(witness.pending);
      }, PATIENCE_MS).catch((error: unknown) => {
        throw error instanceof Difference ? error : new Difference((error as Error).message);
      });
      await this.compare(door, witness);
      for (const alert of [...witness.model.alerts.values()].slice(0, 3)) witness.compareOne(alert, await door.alert(alert.alertId));
      await eventually(async () => {
        const there = await door.conflicts();
        if (there !== witness.model.conflicts.length) throw new Error(`${there} messages are in conflict with their id, and by the documents ${witness.model.conflicts.length}: ${witness.model.conflicts.join(', ')}`);
      }, PATIENCE_MS).catch((error: unknown) => {
        throw new Difference((error as Error).message);
      });
    }
  }
}

const answerOf = ({ answer }: { answer: 200 | 409 | 'either' }): number => (answer === 409 ? 409 : 200);

function compareReceipt(id: string, receipts: readonly Receipt[], seq: number | null): void {
  const receipt = receipts.find((one) => one.id === id);
  // what was folded a moment ago may have its number by now
  const isRight = receipt && (receipt.outcome === 'folded' ? receipt.seq === null : receipt.outcome === 'stored' && receipt.seq === seq);
  if (!isRight || (receipt.outcome === 'stored' && seq === null)) throw new Difference(`the receipt of ${id} is ${JSON.stringify(receipt)}, and its entry ${seq}`);
}

/** An act as it is sent, and as it is judged. */
function asked(door: Door, { user, act, snoozeMs, assignee, from_assignee, note }: Asking): { doing: Doing; body: object } {
  const who = (name: 'me' | 'zoe' | null | undefined) => (name === 'me' ? door.user(user) : name);
  const until = snoozeMs === undefined ? undefined : new Date(Date.now() + snoozeMs).toISOString();
  return { doing: { user: door.user(user), act, until, assignee: who(assignee), from_assignee: who(from_assignee), note }, body: { act, until, assignee, from_assignee, note } };
}

interface Outcome {
  status: number;
  alert?: Alert;
}

function outcomesOf({ json }: Answer): Map<string, Outcome> {
  const { alerts, refused } = json as unknown as { alerts: Alert[]; refused: { alert_id: string; code: string }[] };
  const outcomes = new Map<string, Outcome>(alerts.map((alert) => [alert.alert_id, { status: 200, alert }]));
  for (const { alert_id, code } of refused) outcomes.set(alert_id, { status: code === 'alert_conflict' ? 409 : 404 });
  return outcomes;
}

function failing(door: Door, alertId: string, fault: Fault): Promise<Answer> {
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const bodies: Partial<Record<Fault, object>> = {
    unknown_act: { act: 'silence' },
    unknown_field: { act: 'resolve', reason: 'done' },
    no_until: { act: 'snooze' },
    past_until: { act: 'snooze', until: at(-60_000) },
    far_until: { act: 'snooze', until: at(31 * 86_400_000) },
    no_note: { act: 'note' },
    no_assignee: { act: 'assign' },
  };
  const body = bodies[fault] ?? { act: 'resolve' };
  if (fault === 'unknown_alert') return door.act('ana', unknownAlert(), body);
  if (fault === 'no_scope') return door.act('ana', alertId, body, 'alerts:read');
  return door.act(fault === 'viewer' ? 'vic' : fault === 'foreign_user' ? 'eve' : 'ana', alertId, body);
}
