import { useEffect, useState, type RefObject } from 'react';

/** How long pointer and focus have to be off the rows before the list may move again. */
const HANDS_OFF_MS = 1_500;

/** False from the moment at which pointer or focus is on it until both have been off for a while. */
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
      else timer = setTimeout(() => setOff(true), HANDS_OFF_MS);
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
    };
    for (const [name, listener] of Object.entries(listeners)) node.addEventListener(name, listener);
    return () => {
      clearTimeout(timer);
      for (const [name, listener] of Object.entries(listeners)) node.removeEventListener(name, listener);
    };
  }, [element]);
  return off;
}
