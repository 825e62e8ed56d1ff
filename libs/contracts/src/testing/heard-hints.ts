import type { Hint } from '../event';
import type { HintListener } from '../ports';

/** A listener that keeps what it was told. */
export interface HeardHints extends HintListener {
  readonly hints: (Hint | undefined)[];
  /** How often the subscription was interrupted and came back. */
  resumed: number;
}

export function heardHints(): HeardHints {
  const heard: HeardHints = {
    hints: [],
    resumed: 0,
    onHint: (hint) => void heard.hints.push(hint),
    onResumed: () => void (heard.resumed += 1),
  };
  return heard;
}
