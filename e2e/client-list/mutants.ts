import type { Patch } from '../faults/built-copy';

/** A client that is broken on purpose in one way: its lists must be found wrong. */
export const MUTANTS: readonly { name: string; patches: readonly Patch[] }[] = [
  {
    name: 'an act that is applied once more, on top of its own answer',
    patches: [{ file: 'alerts/alert-store.ts', search: 'for (const end of ends) end();', replace: 'void ends;' }],
  },
  {
    name: 'an answer that is taken though the stream has told something newer',
    patches: [
      {
        file: 'alerts/known-alerts.ts',
        search: 'if (before && before.last_seq > alert.last_seq) return;',
        replace: 'void before;',
      },
    ],
  },
  {
    name: 'an entry that no list is told of where an answer told it first',
    patches: [
      {
        file: 'alerts/alert-store.ts',
        search: 'this.touch([entry.alert_id]); if (this.known.apply(entry)) this.missing.delete(entry.alert_id);',
        replace:
          'if (!this.known.apply(entry)) return; this.touch([entry.alert_id]); this.missing.delete(entry.alert_id);',
      },
    ],
  },
  {
    name: 'who acted, forgotten where the producer says the same later',
    patches: [
      {
        file: 'alerts/alert-from-entry.ts',
        search: 'return previous === null || previous.status !== status;',
        replace: "return previous === null || previous.status !== status || change === 'resolved';",
      },
    ],
  },
  {
    name: 'entries that are ignored while a page is on its way',
    patches: [
      {
        file: 'alerts/alert-store.ts',
        search: 'for (const entry of meanwhile) this.apply(entry);',
        replace: 'void meanwhile;',
      },
    ],
  },
  {
    name: 'entries that are told in the wrong order where several arrive together',
    patches: [
      {
        file: 'alert-stream.ts',
        search: 'else this.hear(told, from === this.connection);',
        replace: 'else this.hear([...told].reverse(), from === this.connection);',
      },
    ],
  },
  {
    name: 'a list that keeps what has left it',
    patches: [
      {
        file: 'alerts/alert-list.ts',
        search: 'if (!this.wants(alert)) return this.remove(alert.alert_id);',
        replace: 'if (!this.wants(alert)) return false;',
      },
    ],
  },
  {
    name: 'an order that is not kept when a severity changes',
    patches: [
      {
        file: 'alerts/alert-list.ts',
        search: 'if (at !== undefined && this.compare(before!, alert) === 0)',
        replace: 'if (at !== undefined)',
      },
    ],
  },
];
