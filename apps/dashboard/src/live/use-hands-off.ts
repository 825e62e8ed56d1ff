import { useEffect, useState, type RefObject } from 'react';

/** How long the pointer and the focus must be off the rows before the list may move again. */
const HANDS_OFF_MS = 1_500;
/**
 * How long a focus without a key press stops the list: enough to read a row and decide. It needs a limit, because a row
 * keeps the focus after its details are closed and when the user has left, and new alerts would wait for ever. After
 * that time a key still acts on the focused row, wherever it has moved to.
 */
const KEYS_MS = 10_000;

/** False while the user works in the element with pointer or keys, and for a while after that. */
export function useHandsOff(element: RefObject<HTMLElement | null>): boolean {
  const [off, setOff] = useState(true);
  useEffect(() => {
    const node = element.current;
    if (!node) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pointer = false;
    let focus = false;
    const changed = () => {
      clearTimeout(timer);
      if (pointer || focus) setOff(false);
      if (!pointer) timer = setTimeout(() => setOff(true), focus ? KEYS_MS : HANDS_OFF_MS);
    };
    const is = (set: () => void) => () => {
      set();
      changed();
    };
    const listeners = {
      // pointermove, not pointerenter: a page that opens under a resting pointer is not being used
      pointermove: is(() => (pointer = true)),
      pointerleave: is(() => (pointer = false)),
      focusin: is(() => (focus = true)),
      focusout: is(() => (focus = false)),
      keydown: changed,
    };
    for (const [name, listener] of Object.entries(listeners)) node.addEventListener(name, listener);
    return () => {
      clearTimeout(timer);
      for (const [name, listener] of Object.entries(listeners)) node.removeEventListener(name, listener);
    };
  }, [element]);
  return off;
}
