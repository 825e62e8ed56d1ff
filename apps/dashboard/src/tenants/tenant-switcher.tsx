import { Dialog, Popover } from 'radix-ui';
import { Building2, ChevronDown } from 'lucide-react';
import layout from '../live/layout.module.css';
import { useIsNarrow } from '../live/use-is-narrow';
import menu from '../settings/menu.module.css';
import { MOST_TENANTS } from './scope';
import { TenantPanel } from './tenant-panel';
import type { NamedTenant } from './tenant-order';
import styles from './tenant-switcher.module.css';
import { useTenantWords } from './tenant-words';
import { useAllTenants } from './use-all-tenants';

interface Props {
  user: string;
  /** The tenants that the stream follows. */
  tenants: readonly NamedTenant[];
  /** Whether the user has more tenants than the stream follows. */
  isPart: boolean;
  /** The chosen tenants; empty: all. */
  scope: readonly string[];
  open: boolean;
  onOpen(open: boolean): void;
  onChoose(tenants: readonly string[]): void;
  onOverview(): void;
}

/**
 * The button in the header that says which tenants the page is about, and the list in which the user chooses others.
 */
export default function TenantSwitcher({ tenants, isPart, scope, open, onOpen, ...choice }: Props) {
  const w = useTenantWords();
  const isNarrow = useIsNarrow();
  const all = useAllTenants(tenants, isPart);
  const nameOf = (id: string) => all.find(({ tenant_id }) => tenant_id === id)?.name ?? id;
  const words =
    scope.length === 1
      ? nameOf(scope[0]!)
      : scope.length > 1
        ? w('some', { count: scope.length })
        : isPart
          ? w('part', { count: Math.min(MOST_TENANTS, tenants.length), of: all.length })
          : w('all', { count: all.length });
  const button = (
    <button type="button" className={styles.button} data-testid="tenants" title={`${words} (G T)`}>
      <Building2 size={16} aria-hidden />
      <span className={styles.words}>{words}</span>
      <ChevronDown size={14} aria-hidden />
    </button>
  );
  const panel = (
    <TenantPanel
      {...choice}
      tenants={all}
      scope={scope}
      onDone={(chosen) => {
        onOpen(false);
        choice.onChoose(chosen);
      }}
      onOverview={() => {
        onOpen(false);
        choice.onOverview();
      }}
    />
  );
  if (isNarrow)
    return (
      <Dialog.Root open={open} onOpenChange={onOpen}>
        <Dialog.Trigger asChild>{button}</Dialog.Trigger>
        <Dialog.Portal>
          <Dialog.Overlay className={menu.overlay} />
          <Dialog.Content className={`${layout.sheet} ${styles.sheet}`} aria-describedby={undefined}>
            <Dialog.Title className="hidden">{w('label')}</Dialog.Title>
            {panel}
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
    );
  return (
    <Popover.Root open={open} onOpenChange={onOpen}>
      <Popover.Trigger asChild>{button}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className={`${menu.panel} ${styles.panel}`}
          align="start"
          sideOffset={6}
          collisionPadding={12}
          aria-label={w('label')}
        >
          {panel}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
