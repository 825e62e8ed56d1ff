import styles from './drawer.module.css';

/** A list or an object with more members than this is folded at first. */
const OPEN_UP_TO = 12;

/** Shows any JSON value as a tree that can be folded. */
export function Json({ value, name }: { value: unknown; name?: string }) {
  const key = name === undefined ? null : <span className={styles.muted}>{name}: </span>;
  if (value === null || typeof value !== 'object')
    return (
      <div className={styles.json}>
        {key}
        <span data-kind={typeof value}>{JSON.stringify(value)}</span>
      </div>
    );
  const inner = Object.entries(value);
  const sign = Array.isArray(value) ? `[${inner.length}]` : `{${inner.length}}`;
  const children = inner.map(([one, of]) => <Json key={one} name={one} value={of} />);
  if (name === undefined) return <div className={styles.tree}>{children}</div>;
  return (
    <details className={styles.json} open={inner.length <= OPEN_UP_TO}>
      <summary>
        {key}
        {sign}
      </summary>
      <div className={styles.tree}>{children}</div>
    </details>
  );
}
