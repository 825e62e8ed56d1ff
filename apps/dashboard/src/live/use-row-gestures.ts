import { useRef, type MouseEvent, type PointerEvent, type RefObject } from 'react';

/** How far a finger has to move a row for a swipe to count. */
const SWIPE_PX = 72;
/** From this share of the row's width on, a swipe to the left asks for the time instead of taking an hour. */
const FAR_SHARE = 0.5;
/** How far a row follows the finger to the right. */
const MOST_RIGHT_PX = 120;
/** A finger that rests this long selects the row, if it has not moved further than `STILL_PX`. */
const LONG_PRESS_MS = 500;
const STILL_PX = 10;

interface Does {
  /** A swipe to the right. */
  right(): void;
  /** A swipe to the left; `far`: over half of the row or more. */
  left(far: boolean): void;
  longPress(): void;
}

interface Gesture {
  x: number;
  y: number;
  dx: number;
  timer: ReturnType<typeof setTimeout>;
  /** Whether it was a long press, after which neither a swipe nor a click follows. */
  isDone: boolean;
}

/**
 * What a finger does on a row: it swipes the row to either side, or rests on it. A mouse does neither. Returns the
 * row's listeners.
 */
export function useRowGestures(row: RefObject<HTMLElement | null>, enabled: boolean, does: Does) {
  const now = useRef<Gesture | null>(null);
  const latest = useRef(does);
  latest.current = does;
  const isFar = (dx: number) => -dx > (row.current?.clientWidth ?? Infinity) * FAR_SHARE;
  const move = (dx: number) => {
    row.current?.style.setProperty('--swipe', `${dx}px`);
    if (!row.current) return;
    row.current.dataset.swipe =
      dx > SWIPE_PX ? 'right' : isFar(dx) ? 'far' : dx < -SWIPE_PX ? 'left' : dx === 0 ? '' : 'undecided';
  };
  const end = (counts: boolean) => {
    const gesture = now.current;
    if (!gesture) return;
    clearTimeout(gesture.timer);
    move(0);
    // kept, so that the click that follows a long press is known as such
    if (gesture.isDone) return;
    now.current = null;
    if (!counts) return;
    if (gesture.dx > SWIPE_PX) latest.current.right();
    if (gesture.dx < -SWIPE_PX) latest.current.left(isFar(gesture.dx));
  };
  if (!enabled) return {};
  return {
    onPointerDown: ({ pointerType, clientX: x, clientY: y }: PointerEvent) => {
      now.current = null;
      if (pointerType === 'mouse') return;
      const longPress = () => {
        if (!now.current) return;
        now.current.isDone = true;
        move(0);
        latest.current.longPress();
      };
      now.current = { x, y, dx: 0, timer: setTimeout(longPress, LONG_PRESS_MS), isDone: false };
    },
    onPointerMove: ({ clientX, clientY }: PointerEvent) => {
      const gesture = now.current;
      if (!gesture || gesture.isDone) return;
      const [dx, dy] = [clientX - gesture.x, clientY - gesture.y];
      if (Math.hypot(dx, dy) > STILL_PX) clearTimeout(gesture.timer);
      if (Math.abs(dy) > Math.abs(dx)) return;
      gesture.dx = dx;
      move(Math.max(-(row.current?.clientWidth ?? 0), Math.min(MOST_RIGHT_PX, dx)));
    },
    onPointerUp: () => end(true),
    onPointerCancel: () => end(false),
    onClickCapture: (event: MouseEvent) => {
      if (!now.current?.isDone) return;
      now.current = null;
      event.stopPropagation();
    },
    // a long press is the system's way to open a menu, which a row does not have
    onContextMenu: (event: MouseEvent) => {
      if (now.current) event.preventDefault();
    },
  };
}
