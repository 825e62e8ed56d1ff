import { useRef, useState, type KeyboardEvent } from 'react';
import { LayoutGrid } from 'lucide-react';
import menu from '../settings/menu.module.css';
import { useKeptTenants } from './kept-tenants';
import { MOST_TENANTS } from './scope';
import { isNamed, worstFirst, worstOf, type NamedTenant } from './tenant-order';
import { TenantRow } from './tenant-row';
import styles from './tenant-switcher.module.css';
import { useTenantWords } from './tenant-words';
import { useTenantNumbers } from './use-tenant-numbers';

/** How many tenants can be pinned: each has a digit. */
const MOST_PINNED = 9;

interface Props {
  user: string;
  tenants: readonly NamedTenant[];
  scope: readonly string[];
  /** Changes the scope; the list stays open. */
  onChoose(tenants: readonly string[]): void;
  /** Changes the scope and closes the list. */
  onDone(tenants: readonly string[]): void;
  onOverview(): void;
}

/**
 * The list of tenants with a filter box: all, the pinned ones, the others by their worst open alert, and the quiet
 * ones. The order is that of the numbers when they are first known, so that nothing moves under the pointer.
 */
export function TenantPanel({ user, tenants, scope, onChoose, onDone, onOverview }: Props) {
  const w = useTenantWords();
  const [text, setText] = useState('');
  const [kept, keep] = useKeptTenants(user);
  const numbers = useTenantNumbers(tenants.map(({ tenant_id }) => tenant_id));
  const list = useRef<HTMLDivElement>(null);
  const [settled, settle] = useState<readonly NamedTenant[] | null>(null);
  if (!settled && numbers.size === tenants.length) settle(worstFirst(tenants, numbers));
  const known = new Set(tenants.map(({ tenant_id }) => tenant_id));
  const ordered = settled?.every(({ tenant_id }) => known.has(tenant_id)) ? settled : worstFirst(tenants, numbers);
  const found = ordered.filter((one) => isNamed(one, text));
  const pinned = kept.pinned.flatMap((id) => tenants.filter(({ tenant_id }) => tenant_id === id));
  const others = found.filter(({ tenant_id }) => text !== '' || !kept.pinned.includes(tenant_id));
  const isQuiet = ({ tenant_id }: NamedTenant) => worstOf(numbers.get(tenant_id)) === null;
  const loud = text === '' ? others.filter((one) => !isQuiet(one)) : others;
  const quiet = text === '' ? others.filter(isQuiet) : [];

  const toggle = (id: string) => onChoose(scope.includes(id) ? scope.filter((one) => one !== id) : [...scope, id]);
  const pin = (id: string) =>
    keep({
      pinned: kept.pinned.includes(id) ? kept.pinned.filter((one) => one !== id) : [...kept.pinned, id],
    });
  const step = (by: 1 | -1) => {
    const stops = [...list.current!.querySelectorAll<HTMLElement>('[data-stop]')];
    const at = stops.indexOf(document.activeElement as HTMLElement);
    stops[Math.min(stops.length - 1, Math.max(0, at + by))]?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const isInField = event.target instanceof HTMLInputElement && event.target.type === 'search';
    const digit = /^[1-9]$/.test(event.key) && text === '' ? pinned[Number(event.key) - 1] : undefined;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (digit) onDone([digit.tenant_id]);
    else if (event.key === 'Enter' && isInField) {
      if (text === '') onDone([]);
      else if (found[0]) onDone([found[0].tenant_id]);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') step(event.key === 'ArrowDown' ? 1 : -1);
    else return;
    event.preventDefault();
  };
  const rowOf = (tenant: NamedTenant, digit?: number) => (
    <TenantRow
      key={tenant.tenant_id}
      tenant={tenant}
      counted={numbers.get(tenant.tenant_id)}
      digit={digit}
      isChosen={scope.includes(tenant.tenant_id)}
      isFull={scope.length >= MOST_TENANTS}
      isPinned={kept.pinned.includes(tenant.tenant_id)}
      mayPin={kept.pinned.length < MOST_PINNED}
      onOnly={() => onDone([tenant.tenant_id])}
      onToggle={() => toggle(tenant.tenant_id)}
      onPin={() => pin(tenant.tenant_id)}
    />
  );
  return (
    <div ref={list} className={styles.list} onKeyDown={onKeyDown} data-testid="tenant-panel">
      <input
        type="search"
        autoFocus
        data-stop
        className={styles.find}
        aria-label={w('find')}
        placeholder={w('find')}
        title={w('hint')}
        autoComplete="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className={styles.rows}>
        {text === '' && (
          <>
            <button
              type="button"
              data-stop
              className={menu.item}
              aria-pressed={scope.length === 0}
              onClick={() => onDone([])}
            >
              {w('all', { count: tenants.length })}
            </button>
            <button type="button" data-stop className={menu.item} onClick={onOverview}>
              <LayoutGrid size={16} aria-hidden />
              {w('overview')}
              <span className={menu.keys}>G V</span>
            </button>
            {pinned.length > 0 && (
              <>
                <h2 className={menu.heading}>{w('pinned')}</h2>
                <ul>{pinned.map((one, at) => rowOf(one, at + 1))}</ul>
              </>
            )}
            {loud.length > 0 && <h2 className={menu.heading}>{w('others')}</h2>}
          </>
        )}
        {loud.length > 0 && <ul>{loud.map((one) => rowOf(one))}</ul>}
        {quiet.length > 0 && (
          <>
            <h2 className={menu.heading}>{w('quiet', { count: quiet.length })}</h2>
            <ul className={styles.quiet}>{quiet.map((one) => rowOf(one))}</ul>
          </>
        )}
        {text !== '' && found.length === 0 && <p className={menu.heading}>{w('none')}</p>}
      </div>
    </div>
  );
}
