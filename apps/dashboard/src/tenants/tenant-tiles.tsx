import { useRef, useState, type KeyboardEvent } from 'react';
import { Maximize, X } from 'lucide-react';
import { SEVERITIES } from '@tocsin/contracts/wire';
import { SeverityMark } from '../live/severity-mark';
import buttons from '../settings/icon-button.module.css';
import { useWords } from '../words/words';
import { Sparkline } from './sparkline';
import { countText, worstFirst, worstOf, type CountedTenant, type NamedTenant } from './tenant-order';
import styles from './tenant-tiles.module.css';
import { useTenantWords } from './tenant-words';
import { useAllTenants } from './use-all-tenants';
import { useTenantNumbers } from './use-tenant-numbers';

interface Props {
  tenants: readonly NamedTenant[];
  isPart: boolean;
  onTenant(tenantId: string): void;
  onClose(): void;
}

/** All tenants at a glance, the worst first. While the pointer or the focus is on a tile, no tile moves. */
export default function TenantTiles({ tenants, isPart, onTenant, onClose }: Props) {
  const w = useTenantWords();
  const all = useAllTenants(tenants, isPart);
  const numbers = useTenantNumbers(all.map(({ tenant_id }) => tenant_id));
  const [isInUse, setInUse] = useState(false);
  const [settled, settle] = useState<readonly string[]>([]);
  const root = useRef<HTMLElement>(null);
  const byId = new Map(all.map((tenant) => [tenant.tenant_id, tenant]));
  const kept = settled.flatMap((id) => byId.get(id) ?? []);
  const added = all.filter(({ tenant_id }) => !settled.includes(tenant_id));
  const shown = isInUse ? [...kept, ...added] : worstFirst(all, numbers);
  const order = shown.map(({ tenant_id }) => tenant_id);
  if (order.join() !== settled.join()) settle(order);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && !document.fullscreenElement) return onClose();
    const tiles = [...root.current!.querySelectorAll<HTMLElement>('[data-tile]')];
    const at = tiles.indexOf(document.activeElement as HTMLElement);
    const columns = tiles.filter(({ offsetTop }) => offsetTop === tiles[0]?.offsetTop).length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    tiles[at < 0 ? 0 : Math.min(tiles.length - 1, Math.max(0, at + by))]?.focus();
  };
  return (
    <section
      ref={root}
      className={styles.overview}
      aria-label={w('overview')}
      data-testid="overview"
      onKeyDown={onKeyDown}
      onPointerEnter={() => setInUse(true)}
      onPointerLeave={() => setInUse(false)}
      onFocus={(event) => setInUse(event.target.matches('[data-tile]'))}
      onBlur={() => setInUse(false)}
    >
      <header className={styles.head}>
        <h1>{w('overview')}</h1>
        <button
          type="button"
          className={buttons.button}
          aria-label={w('fullScreen')}
          title={w('fullScreen')}
          onClick={() => void root.current?.requestFullscreen().catch(() => undefined)}
        >
          <Maximize size={16} aria-hidden />
        </button>
        <button type="button" className={buttons.button} aria-label={w('close')} title={w('close')} onClick={onClose}>
          <X size={16} aria-hidden />
        </button>
      </header>
      <ul className={styles.tiles}>
        {shown.map(({ tenant_id, name }) => (
          <Tile
            key={tenant_id}
            tenantId={tenant_id}
            name={name}
            counted={numbers.get(tenant_id)}
            onOpen={() => onTenant(tenant_id)}
          />
        ))}
      </ul>
    </section>
  );
}

interface TileProps {
  tenantId: string;
  name: string;
  counted: CountedTenant | undefined;
  onOpen(): void;
}

function Tile({ tenantId, name, counted, onOpen }: TileProps) {
  const { intl } = useWords();
  const numbers = SEVERITIES.map(
    (severity) => [severity, countText(counted?.open[severity], counted?.at_most, intl.formatNumber)] as const,
  );
  return (
    <li>
      <button
        type="button"
        className={styles.tile}
        data-tile={tenantId}
        data-worst={worstOf(counted) ?? undefined}
        onClick={onOpen}
      >
        <span className={styles.name} dir="auto">
          {name}
        </span>
        <span className={styles.numbers}>
          {numbers.map(([severity, count]) => (
            <span key={severity} className={styles.number} data-zero={count === '0'}>
              <SeverityMark severity={severity} size={12} />
              <span data-number data-testid={`tile-${severity}`}>
                {count}
              </span>
            </span>
          ))}
        </span>
        <Sparkline timeline={counted?.timeline} />
      </button>
    </li>
  );
}
