import type { Patch } from '../faults/built-copy';

/** One way to break the page on purpose, and the test that must then fail. */
export interface PageMutant {
  name: string;
  patches: readonly Patch[];
  /** The beginning of the test's file name, and the test's name or the beginning of it. */
  caughtBy: readonly [file: string, test: string];
}

const page = (file: string) => `apps/dashboard/src/${file}`;
const client = (file: string) => `libs/react-client/src/${file}`;
const MOMENTS = 'dashboard-moments';
const LOST = [MOMENTS, 'goes on when a row has the focus'] as const;
const AWAY = [MOMENTS, 'tells a user who was away what came meanwhile'] as const;
const HATCHED = [MOMENTS, 'hatches the time without data'] as const;
const BELL = [MOMENTS, 'rings once within three seconds'] as const;
const FINGER = [MOMENTS, 'is worked by a finger'] as const;
const KEYS = [MOMENTS, 'has a key for the most frequent acts'] as const;
const MANY = [MOMENTS, 'acts on all that match'] as const;
const VIEWS = [MOMENTS, 'folds the list by service'] as const;
const TRUTH = 'page-truth';
const FRAMES = [TRUTH, 'in every frame of'] as const;
const GROUPS = [TRUTH, 'groups are the server’s'] as const;
const SCOPE = [TRUTH, 'the numbers, the chart and the views have the filters'] as const;
const STORY = [TRUTH, 'a history tells what the alert said then'] as const;
const TABS = ['page-behind-proxy', 'in eight tabs has one connection'] as const;

/**
 * A change of the patched code needs a change of its patch: a patch that does not apply fails its test and never skips
 * it.
 */
export const PAGE_MUTANTS: readonly PageMutant[] = [
  {
    name: 'minutes without the stream that look like minutes without alerts',
    patches: [{ file: page('strip/use-deaf-since.ts'), search: 'return since;', replace: 'return null;' }],
    caughtBy: HATCHED,
  },
  {
    name: 'minutes without the stream that are announced but not hatched',
    patches: [{ file: page('strip/bars.tsx'), search: 'latest.current.deaf && hatch(', replace: 'null && hatch(' }],
    caughtBy: HATCHED,
  },
  {
    name: 'a gap that is not loaded',
    patches: [
      {
        file: page('live/inbox-notices.tsx'),
        search: 'onLoad={() => void list.reload()}',
        replace: 'onLoad={() => undefined}',
      },
    ],
    caughtBy: HATCHED,
  },
  {
    name: 'a list that moves while the user works on it',
    patches: [{ file: page('live/use-hands-off.ts'), search: 'if (pointer || focus) setOff(false);', replace: '' }],
    caughtBy: LOST,
  },
  {
    name: 'a list that a focus stops for ever',
    patches: [{ file: page('live/use-hands-off.ts'), search: 'focus ? KEYS_MS', replace: 'focus ? 1e8' }],
    caughtBy: LOST,
  },
  {
    name: 'toasts for entries replayed after a long absence',
    patches: [{ file: client('alert-stream.ts'), search: '!(replayed && this.wasAway)', replace: 'true' }],
    caughtBy: LOST,
  },
  {
    name: 'no toast for entries missed in a short absence',
    patches: [{ file: client('alert-stream.ts'), search: 'replayed && this.wasAway', replace: 'replayed' }],
    caughtBy: LOST,
  },
  {
    name: 'no banner after a lost connection',
    patches: [
      {
        file: page('live/use-catch-up.ts'),
        search: '> AWAY_MS ? lastHeardAt.current : null',
        replace: '> AWAY_MS ? null : null',
      },
    ],
    caughtBy: LOST,
  },
  {
    name: 'a banner that counts every alert as urgent',
    patches: [{ file: page('live/use-catch-up.ts'), search: "Number(severity === 'urgent')", replace: '1' }],
    caughtBy: LOST,
  },
  {
    name: '"Show" that keeps the filter',
    patches: [
      {
        file: page('live/inbox-notices.tsx'),
        search: "move({ view: 'open', q: '', order, group: 'none' });",
        replace: '',
      },
    ],
    caughtBy: LOST,
  },
  {
    name: 'a banner after a reload that counts seen alerts',
    patches: [{ file: page('live/use-catch-up.ts'), search: 'alerts.filter(seen.isUnseen)', replace: '[...alerts]' }],
    caughtBy: AWAY,
  },
  {
    name: 'no line above the older alerts',
    patches: [{ file: page('live/alert-list.tsx'), search: '{older > 0 &&', replace: '{older > 1e6 &&' }],
    caughtBy: AWAY,
  },
  {
    name: '"Mark all seen" that is not sent to other devices',
    patches: [
      {
        file: page('live/use-seen.ts'),
        search: 'if (!stream.cursor) return;',
        replace: 'return;',
      },
    ],
    caughtBy: AWAY,
  },
  {
    name: 'a bell that ignores do-not-disturb',
    patches: [
      {
        file: page('live/alert-toasts.tsx'),
        search: "isQuiet(quiet, entry.severity === 'urgent', Date.now())",
        replace: 'false',
      },
    ],
    caughtBy: BELL,
  },
  {
    name: 'a bell for each of two alerts',
    patches: [{ file: page('live/bell.ts'), search: 'const QUIET_MS = 3_000;', replace: 'const QUIET_MS = 0;' }],
    caughtBy: BELL,
  },
  {
    name: 'a bell that rings though it is muted',
    patches: [
      {
        file: page('live/alert-toasts.tsx'),
        search: 'if (interrupts(entry) && sound)',
        replace: 'if (interrupts(entry))',
      },
    ],
    caughtBy: BELL,
  },
  {
    name: 'a swipe by a finger that moves only a little',
    patches: [
      { file: page('live/use-row-gestures.ts'), search: 'const SWIPE_PX = 72;', replace: 'const SWIPE_PX = 24;' },
    ],
    caughtBy: FINGER,
  },
  {
    name: 'a toast whose "Undo" does nothing',
    patches: [
      {
        file: page('acts/use-acts.ts'),
        search: "t('act.undo'), onClick: undo }",
        replace: "t('act.undo'), onClick: () => undefined }",
      },
    ],
    caughtBy: FINGER,
  },
  {
    name: 'an "Undo" that a finger misses',
    patches: [{ file: page('base.css'), search: 'height: 44px !important;', replace: '' }],
    caughtBy: FINGER,
  },
  {
    name: 'a key that undoes nothing',
    patches: [{ file: page('live/use-keys.ts'), search: 'z: page.acts.undo,', replace: '' }],
    caughtBy: KEYS,
  },
  {
    name: 'Shift+R that resolves once more',
    patches: [
      { file: page('live/use-keys.ts'), search: "'Shift+r': () => actOf(page, { act: 'reopen' }),", replace: '' },
    ],
    caughtBy: KEYS,
  },
  {
    name: 'an act on a hundred and thirty alerts without a confirmation',
    patches: [
      { file: page('acts/use-acts.ts'), search: 'const ASK_BEYOND = 100;', replace: 'const ASK_BEYOND = 1_000;' },
    ],
    caughtBy: MANY,
  },
  {
    name: '"Select all that match" that takes only a part of them',
    patches: [
      { file: page('live/use-everything.ts'), search: 'after = page.next;', replace: 'after = null;' },
      { file: page('live/use-everything.ts'), search: 'limit: PAGE,', replace: 'limit: 100,' },
    ],
    caughtBy: MANY,
  },
  {
    name: 'a row that says "Resolved" of an alert of which it knows nothing more (F1)',
    patches: [
      {
        file: page('live/use-settled-rows.ts'),
        search: 'now: store.lastKnown(alertId) }',
        replace: "now: store.get(alertId) ?? { ...was, status: 'resolved' } }",
      },
      {
        file: page('live/use-settled-rows.ts'),
        search: '.map((id) => store.watch(id, () => tick((n) => n + 1)))',
        replace: '.map(() => () => undefined)',
      },
    ],
    caughtBy: FRAMES,
  },
  {
    name: 'numbers of everything that is open, whatever the list is filtered by (F3)',
    patches: [
      {
        file: page('live/use-numbers.ts'),
        search: 'const { order: _, limit: __, ...filter } = search;',
        replace: 'const filter: AlertFilter = search && VIEW_FILTERS.open;',
      },
    ],
    caughtBy: FRAMES,
  },
  {
    name: 'views whose numbers ignore the filters',
    patches: [
      {
        file: page('live/use-numbers.ts'),
        search: 'const views = useViewCounts(user);',
        replace: 'const views = useViewCounts(user && {});',
      },
    ],
    caughtBy: SCOPE,
  },
  {
    name: 'a group that has no more alerts than the page has loaded (F2)',
    patches: [
      {
        file: page('live/group-list.tsx'),
        search: "t('list.times', { count: intl.formatNumber(alerts) })",
        replace: "t('list.times', { count: intl.formatNumber(Math.min(alerts, 100)) })",
      },
    ],
    caughtBy: GROUPS,
  },
  {
    name: 'an act on a group that takes only its first page',
    patches: [
      { file: page('live/use-everything.ts'), search: 'after = page.next;', replace: 'after = null;' },
      { file: page('live/use-everything.ts'), search: 'limit: PAGE,', replace: 'limit: 100,' },
    ],
    caughtBy: GROUPS,
  },
  {
    name: 'an alert that is said to be gone before the server has answered (F6)',
    patches: [{ file: page('live/open-alert.tsx'), search: 'loading={!missing}', replace: 'loading={missing}' }],
    caughtBy: [TRUTH, 'an alert whose answer is late'],
  },
  {
    name: 'a history without the words of then (F4)',
    patches: [
      {
        file: page('detail/history.tsx'),
        search: 'if (title === null && message === null) return null;',
        replace: 'if (title === null || message !== undefined) return null;',
      },
    ],
    caughtBy: STORY,
  },
  {
    name: 'a zero for what is not counted yet (F15)',
    patches: [
      {
        file: page('strip/severity-strip.tsx'),
        search: 'const count = facets && (facets.severity[severity] ?? (facets.complete ? 0 : undefined));',
        replace: 'const count = facets?.severity[severity] ?? 0;',
      },
    ],
    caughtBy: [TRUTH, 'while the server has not counted'],
  },
  {
    name: 'a view that is saved without its search',
    patches: [
      {
        file: page('live/place.ts'),
        search: "const terms = { view: view === VIEWS[0] ? '' : view, q,",
        replace: "const terms = { view: view === VIEWS[0] ? '' : view, q: q && '',",
      },
    ],
    caughtBy: VIEWS,
  },
  {
    name: 'a page that does not say who acknowledged',
    patches: [
      {
        file: page('live/alert-cells.tsx'),
        search: "<span>{by ?? t('status.acknowledged')}</span>",
        replace: "<span>{t('status.acknowledged')}</span>",
      },
    ],
    caughtBy: ['dashboard.e2e', 'shows in one window what a user did in another'],
  },
  {
    name: 'a reload that loses the position',
    patches: [
      {
        file: client('stream/kept-place.ts'),
        search: "typeof place?.cursor === 'string'",
        replace: "typeof place?.cursor === 'number'",
      },
    ],
    caughtBy: ['dashboard.e2e', 'loaded again, shows the same list'],
  },
  {
    name: 'a toast in each tab',
    patches: [{ file: client('tabs/shared-feed.ts'), search: 'message.toaster === this.tab', replace: 'true' }],
    caughtBy: TABS,
  },
  {
    name: 'a connection for each tab',
    patches: [
      {
        file: client('tabs/tab-lock.ts'),
        search: "typeof globalThis.navigator?.locks?.request === 'function'",
        replace: 'false',
      },
    ],
    caughtBy: TABS,
  },
  {
    name: 'a stream that does not resume at its position',
    patches: [
      {
        file: client('alert-stream.ts'),
        search: 'place: () => this.resumeAt ?? this.position,',
        replace: 'place: () => null,',
      },
    ],
    caughtBy: TABS,
  },
  {
    name: 'a token that is not renewed',
    patches: [
      {
        file: page('session/use-session.ts'),
        search: "source !== null && wish !== 'first'",
        replace: "source === '' && wish !== 'first'",
      },
    ],
    caughtBy: TABS,
  },
  {
    name: 'tabs that are signed in again one by one',
    patches: [
      {
        file: page('session/use-session.ts'),
        search: 'take(token); setAsking(false);',
        replace: '',
      },
    ],
    caughtBy: TABS,
  },
];
