import { useEffect, useState, type RefObject } from 'react';

/** How long pointer and focus have to be off the rows before the list may move again. */
const HANDS_OFF_MS = 1_500;
/**
 * How long a focus that no key follows is a hand: enough to read a row and decide. A row keeps the focus after its details are
 * closed and when somebody has left their desk, and what is new would wait above it for ever. An act by key is about the row
 * itself, wherever that has moved to.
 */
const KEYS_MS = 10_000;

/** False from the moment at which pointer or keys are on it until both have been off for a while. */
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
      // a page that opens under a resting pointer is not in anybody's hand: only a pointer that moves is
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
