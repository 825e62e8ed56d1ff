import { useState, type KeyboardEvent, type PointerEvent } from 'react';

const LEAST = 360;
const MOST = 640;
const STEP = 16;
const within = (width: number): number => Math.round(Math.min(MOST, Math.max(LEAST, width)));

/**
 * The width of a panel at the right. The user drags its left edge or uses the arrow keys; the width is saved when the
 * edge is released.
 */
export function useDragWidth(kept: number, keep: (width: number) => void) {
  const [dragged, setDragged] = useState<number | null>(null);
  const width = within(dragged ?? kept);
  const handle = {
    onPointerDown: (event: PointerEvent) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      setDragged(width);
    },
    onPointerMove: (event: PointerEvent) => {
      if (dragged !== null) setDragged(within(document.documentElement.clientWidth - event.clientX));
    },
    onPointerUp: () => {
      if (dragged !== null) keep(dragged);
      setDragged(null);
    },
    onKeyDown: (event: KeyboardEvent) => {
      const step = event.key === 'ArrowLeft' ? STEP : event.key === 'ArrowRight' ? -STEP : 0;
      if (step === 0) return;
      event.stopPropagation();
      keep(within(width + step));
    },
  };
  return { width, handle };
}
