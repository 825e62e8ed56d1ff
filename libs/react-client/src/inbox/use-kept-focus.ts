import { useEffect, useRef, type RefObject } from 'react';

/**
 * Focuses the element when it appears, and keeps the focus inside it when what has the focus is removed, such as a row
 * that leaves the list. Browsers would move it to the document's body.
 */
export function useKeptFocus(element: RefObject<HTMLElement | null>): void {
  const last = useRef<Element | null>(null);
  useEffect(() => {
    const at = element.current;
    if (!at) return;
    const enter = ({ target }: FocusEvent) => void (last.current = target as Element);
    const leave = ({ relatedTarget }: FocusEvent) => {
      if (relatedTarget !== null && !at.contains(relatedTarget as Node)) last.current = null;
    };
    at.addEventListener('focusin', enter);
    at.addEventListener('focusout', leave);
    at.focus();
    return () => {
      at.removeEventListener('focusin', enter);
      at.removeEventListener('focusout', leave);
    };
  }, [element]);
  useEffect(() => {
    if (last.current === null || last.current.isConnected) return;
    last.current = null;
    element.current?.focus();
  });
}
