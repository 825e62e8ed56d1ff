import { historyOf } from './history';
import type { System } from './door';
import { Life } from './life';
import { inOneLine, type Saying, type Step } from './steps';
import { Difference } from './comparison';

/** How many attempts are made at most to reduce a history that shows a difference. */
const ATTEMPTS = 80;
/** How many histories run at the same time: each waits for responses and for the ends of its windows. */
const AT_ONCE = 4;

/** Runs histories on one system, each in tenants of its own. */
export class Trials {
  private lives = 0;

  constructor(
    private readonly system: System,
    private readonly name: string,
    private readonly options: { isCut: boolean } = { isCut: true },
  ) {}

  /** The differences in the histories of this many seeds, each with `size` steps, until `enough` are found. */
  async differences(firstSeed: number, histories: number, size: number, enough = 3): Promise<string[]> {
    const wrong: string[] = [];
    const waiting = Array.from({ length: histories }, (_, at) => firstSeed + at);
    const next = async (): Promise<void> => {
      for (let seed = waiting.shift(); seed !== undefined && wrong.length < enough; seed = waiting.shift()) {
        const difference = await this.differenceIn(seed, size);
        if (difference) wrong.push(difference);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    return wrong;
  }

  /**
   * The difference in the history of a seed, with the smallest history that it could be reduced to; null when there is
   * none.
   */
  async differenceIn(seed: number, size: number): Promise<string | null> {
    const steps = historyOf(seed, size, { amqp: this.system.amqp !== undefined });
    const found = await this.liveAll(steps);
    if (!found) return null;
    if (!this.options.isCut) return found.what;
    const smallest = await this.cut(steps.slice(0, found.at + 1));
    const again = smallest.found ?? found;
    return [
      `STATE_SEED=${seed}: step ${found.at} of the ${this.name}: ${found.what}`,
      `cut to ${smallest.steps.length} of ${steps.length} steps: ${again.what}`,
      ...smallest.steps.map(inOneLine),
    ].join('\n');
  }

  /** Runs steps in new tenants. Resolves to the first difference. */
  async liveAll(steps: readonly Step[]): Promise<{ at: number; what: string } | null> {
    const life = new Life(this.system, `${this.name}-${(this.lives += 1)}`);
    for (let at = 0; at <= steps.length; at += 1) {
      const step = steps[at];
      try {
        await (step ? life.live(step) : life.end());
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        if (error instanceof Difference) return { at: Math.min(at, steps.length - 1), what };
        throw new Error(`step ${at}, ${step ? inOneLine(step) : 'the end'}: ${what}`, { cause: error });
      }
    }
    return null;
  }

  /**
   * Leaves out steps that the difference does not need: halves, then quarters, down to single steps, then single
   * messages.
   */
  private async cut(whole: Step[]): Promise<{ steps: Step[]; found: { what: string } | null }> {
    const cut = { steps: whole, found: null as { what: string } | null };
    let attempts = 0;
    const isStillWrong = async (fewer: Step[]): Promise<boolean> => {
      if ((attempts += 1) > ATTEMPTS) return false;
      const wrong = await this.liveAll(fewer);
      if (wrong) Object.assign(cut, { steps: fewer.slice(0, wrong.at + 1), found: wrong });
      return wrong !== null;
    };
    for (let size = Math.ceil(whole.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = cut.steps.length - size; at >= 0; at = Math.min(at, cut.steps.length) - size) {
        await isStillWrong([...cut.steps.slice(0, at), ...cut.steps.slice(at + size)]);
      }
    }
    for (let at = cut.steps.length - 1; at >= 0; at -= 1) {
      for (let message = messagesOf(cut.steps[at]).length - 1; message >= 0; message -= 1) {
        const messages = messagesOf(cut.steps[at]).filter((_, other) => other !== message);
        // a request is never empty, and messages over AMQP have one after them that the test waits for
        if (messages.at(-1)?.door !== 'http') continue;
        await isStillWrong(
          cut.steps.map((step, other) => (other === at && step.do === 'say' ? { ...step, messages } : step)),
        );
      }
    }
    return cut;
  }
}

const messagesOf = (step: Step | undefined): Saying[] => (step?.do === 'say' ? step.messages : []);
