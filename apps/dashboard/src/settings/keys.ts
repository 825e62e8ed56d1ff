/** A key as a name: `k`, `Shift+R`, `Mod+k`. `Mod` is Command on a Mac and Control elsewhere. */
export function keyOf(event: KeyboardEvent): string {
  const mod = event.metaKey || event.ctrlKey ? 'Mod+' : '';
  if (event.key.length > 1) return `${mod}${event.shiftKey ? 'Shift+' : ''}${event.key}`;
  const isLetter = event.key.toLowerCase() !== event.key.toUpperCase();
  if (!isLetter) return mod + event.key;
  return `${mod}${event.shiftKey ? 'Shift+' : ''}${event.key.toLowerCase()}`;
}

/** Whether somebody types: then a letter is a letter. */
const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** How long the second key of a pair may take. */
const PAIR_MS = 1_200;

export type KeyMap = Readonly<Record<string, (() => void) | undefined>>;

/**
 * Listens to the keys of the page. A pair stands in the map as `g o`. Nothing is heard while somebody types, or while a
 * dialog or a menu has the keys; `Mod+k` and `Escape` always are.
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
    // on a button or a link, Enter and Space are its own
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
