/** The name of a key: `k`, `Shift+r`, `Mod+k`. `Mod` is Command on a Mac and Control elsewhere. */
export function keyOf(event: KeyboardEvent): string {
  const mod = event.metaKey || event.ctrlKey ? 'Mod+' : '';
  if (event.key.length > 1) return `${mod}${event.shiftKey ? 'Shift+' : ''}${event.key}`;
  const isLetter = event.key.toLowerCase() !== event.key.toUpperCase();
  if (!isLetter) return mod + event.key;
  return `${mod}${event.shiftKey ? 'Shift+' : ''}${event.key.toLowerCase()}`;
}

/** Whether the user is typing text, so that a letter is not a shortcut. */
const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** The longest time between the two keys of a pair. */
const PAIR_MS = 1_200;

export type KeyMap = Readonly<Record<string, (() => void) | undefined>>;

/**
 * Listens to the keys of the page. The map's key for a pair is `g o`. Keys are ignored while the user types or a dialog
 * or menu is open, except `Mod+k`. Returns a function that unsubscribes.
 */
export function listenToKeys(target: Document, mapOf: () => KeyMap): () => void {
  let first: { key: string; at: number } | null = null;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const key = keyOf(event);
    const isGlobal = key === 'Mod+k';
    if (
      !isGlobal &&
      (isTyping(event.target) || target.querySelector('[role=dialog][data-state=open], [role=menu][data-state=open]'))
    )
      return;
    // Enter and Space belong to the button or link that has the focus
    if (
      (key === 'Enter' || key === ' ') &&
      event.target instanceof Element &&
      event.target.closest('button, a, summary, [role=separator]')
    )
      return;
    const pair = first && event.timeStamp - first.at < PAIR_MS ? `${first.key} ${key}` : null;
    first = null;
    const map = mapOf();
    const act = (pair && map[pair]) || map[key];
    if (act) {
      event.preventDefault();
      act();
    } else if (Object.keys(map).some((one) => one.startsWith(`${key} `))) first = { key, at: event.timeStamp };
  };
  target.addEventListener('keydown', onKeyDown);
  return () => target.removeEventListener('keydown', onKeyDown);
}
