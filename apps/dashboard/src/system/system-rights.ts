/** The views of the part "System", in the order in which they are listed. */
export const SYSTEM_VIEWS = ['refused', 'health'] as const;
export type SystemView = (typeof SYSTEM_VIEWS)[number];

/** The scopes that open each view. The gateway decides; this only leaves out what it would refuse. */
const OPENS: Readonly<Record<SystemView, readonly string[]>> = {
  refused: ['dead_letters:manage', 'dead_letters:operate'],
  health: ['dead_letters:operate'],
};

/** The views of the part "System" that a token with these scopes may open. */
export const systemViewsOf = (scopes: readonly string[]): readonly SystemView[] =>
  SYSTEM_VIEWS.filter((view) => OPENS[view].some((scope) => scopes.includes(scope)));

/** Whether a token reaches the refused messages of every tenant, and those that name none. */
export const isOperator = (scopes: readonly string[]): boolean => scopes.includes('dead_letters:operate');
