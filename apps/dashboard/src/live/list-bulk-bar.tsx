import { Late } from './late';
import { BulkBar } from './late-bulk-bar';
import type { InboxState } from './use-inbox';

/**
 * Whether anything is selected that the bar can act on: there is no list beside the tiles or the parts of the system.
 */
export const hasBulkBar = ({ selected, system, isOverview }: InboxState): boolean =>
  selected.length > 0 && !system && !isOverview;

/** What can be done to the selected alerts. */
export function ListBulkBar({
  inbox: { selected, rows, listed, everything, mayAct, acts, selection },
}: {
  inbox: InboxState;
}) {
  return (
    <Late>
      <BulkBar
        count={selected.length}
        listed={rows.length}
        everything={listed.list.hasMore ? everything : null}
        mayAct={mayAct}
        onAct={(what) => acts.perform(selected, what, selection.none)}
        onAll={selection.all}
        onNone={selection.none}
      />
    </Late>
  );
}
