import { DropdownMenu } from 'radix-ui';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import type { Alert, AlertAct } from '@tocsin/contracts/wire';
import { serverNow } from '../words/clock';
import { mornings } from '../words/time-words';
import { useWords } from '../words/words';
import menu from '../settings/menu.module.css';

/** Loaded when it is needed: most snoozes are chosen in the menu. */
const SnoozeDialog = lazy(() => import('./snooze-dialog'));
const HOUR_MS = 3_600_000;

/** The snooze of one key or one swipe. */
export const anHourFrom = (now: number): number => now + HOUR_MS;

/** The snoozes of the menu. Times of day are the user's local time. */
const snoozesAt = (now: number) => [
  { words: 'snooze.hour' as const, at: anHourFrom(now) },
  { words: 'snooze.hours' as const, at: now + 4 * HOUR_MS },
  ...mornings(now).map(({ day, at }) => ({ words: `snooze.${day}` as const, at })),
  { words: 'snooze.week' as const, at: now + 7 * 24 * HOUR_MS },
];

export const snoozeUntil = (until: number): AlertAct => ({ act: 'snooze', until: new Date(until).toISOString() });

export function SnoozeMenu({
  alert,
  onAct,
  children,
  open,
  onOpenChange,
}: {
  alert?: Alert;
  onAct(act: AlertAct): void;
  children: ReactNode;
  open?: boolean;
  onOpenChange?(open: boolean): void;
}) {
  const { t, intl } = useWords();
  const controlled = open === undefined ? {} : { open, onOpenChange: onOpenChange! };
  const [asking, setAsking] = useState(false);
  return (
    <>
      <DropdownMenu.Root {...controlled}>
        <DropdownMenu.Trigger asChild>{children}</DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content
            className={menu.panel}
            align="start"
            sideOffset={6}
            collisionPadding={12}
            aria-label={t('snooze.menu')}
          >
            {alert?.status === 'snoozed' && (
              <DropdownMenu.Item className={menu.item} onSelect={() => onAct({ act: 'unsnooze' })}>
                {t('act.unsnooze')}
              </DropdownMenu.Item>
            )}
            {snoozesAt(serverNow()).map(({ words, at }) => (
              <DropdownMenu.Item key={words} className={menu.item} onSelect={() => onAct(snoozeUntil(at))}>
                {t(words)}
                <span className={menu.keys}>
                  {intl.formatDate(at, { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })}
                </span>
              </DropdownMenu.Item>
            ))}
            <DropdownMenu.Item className={menu.item} onSelect={() => setAsking(true)}>
              {t('snooze.custom')}
            </DropdownMenu.Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {asking && (
        <Suspense fallback={null}>
          <SnoozeDialog onUntil={(until) => onAct(snoozeUntil(until))} onClose={() => setAsking(false)} />
        </Suspense>
      )}
    </>
  );
}
