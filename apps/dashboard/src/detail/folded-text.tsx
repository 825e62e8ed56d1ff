import { useLayoutEffect, useRef, useState } from 'react';
import { useWords } from '../words/words';
import { LinkedText } from './linked-text';
import styles from './drawer.module.css';

/** A message. One of more than twelve lines is folded, so that what follows it stays within reach. */
export function FoldedText({ text }: { text: string }) {
  const { t } = useWords();
  const frame = useRef<HTMLDivElement>(null);
  const [isLong, setLong] = useState(false);
  const [open, setOpen] = useState(false);
  useLayoutEffect(() => {
    const { current } = frame;
    if (!current || open) return;
    const measure = () => setLong(current.scrollHeight > current.clientHeight + 1);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, [text, open]);
  return (
    <div className={styles.message}>
      <div ref={frame} className={open ? undefined : styles.folded} data-testid="message">
        <LinkedText text={text} />
      </div>
      {(isLong || open) && (
        <button type="button" className={styles.textButton} aria-expanded={open} onClick={() => setOpen(!open)}>
          {t(open ? 'drawer.fold' : 'drawer.unfold')}
        </button>
      )}
    </div>
  );
}
