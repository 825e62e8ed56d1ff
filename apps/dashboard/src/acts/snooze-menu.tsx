import { DropdownMenu } from 'radix-ui';
import { lazy, useEffect, useRef, useState, type ReactNode } from 'react';
import type { Alert, AlertAct } from '@tocsin/contracts/wire';
import { LateDialog } from '../live/late';
import { serverNow } from '../words/clock';
import { mornings } from '../words/time-words';
import { useWords } from '../words/words';
import menu from '../settings/menu.module.css';
import { usePreference } from '../settings/preferences';
import { anHourFrom, HOUR_MS, snoozeUntil } from './snooze-times';

/** Loaded when it is needed: most snoozes are chosen in the menu. */
const SnoozeDialog = lazy(() => import('./snooze-dialog'));

/** The snoozes of the menu. Times of day are the user's local time. */
const snoozesAt = (now: number) => [
  { name: 'hour' as const, at: anHourFrom(now) },
  { name: 'hours' as const, at: now + 4 * HOUR_MS },
  ...mornings(now).map(({ day, at }) => ({ name: day, at })),
  { name: 'week' as const, at: now + 7 * 24 * HOUR_MS },
];

interface Props {
  alert?: Alert;
  onAct(act: AlertAct): void;
  /** The button of the menu. */
  children: ReactNode;
  isOpenAtOnce?: boolean;
  /** Called when the menu, and the dialog for a time, have closed. */
  onClosed?(): void;
  /** What gets the focus then; default: the button. */
  focusAfter?: HTMLElement | null;
}

/**
 * The choice until when an alert is snoozed. The one that was used last has the focus, so that Enter takes it again.
 */
export function SnoozeMenu({ alert, onAct, children, isOpenAtOnce = false, onClosed, focusAfter }: Props) {
  const { t, intl } = useWords();
  const [isOpen, setOpen] = useState(isOpenAtOnce);
  const [asking, setAsking] = useState(false);
  const [lastUsed, setLastUsed] = usePreference('snooze');
  const choices = snoozesAt(serverNow());
  const again = choices.find(({ name }) => name === lastUsed) ?? choices[0]!;
  const lastItem = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    // after the menu has given the focus to itself
    const frame = requestAnimationFrame(() => lastItem.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, [isOpen]);
  const ask = () => setAsking(true);
  const asked = () => {
    setAsking(false);
    onClosed?.();
  };
  return (
    <>
      <DropdownMenu.Root open={isOpen} onOpenChange={setOpen}>
        <DropdownMenu.Trigger asChild>{children}</DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content
            className={menu.panel}
            align="start"
            sideOffset={6}
            collisionPadding={12}
            aria-label={t('snooze.menu')}
            onCloseAutoFocus={(event) => {
              if (focusAfter !== undefined) {
                event.preventDefault();
                focusAfter?.focus({ preventScroll: true });
              }
              if (!asking) onClosed?.();
            }}
          >
            {alert?.status === 'snoozed' && (
              <DropdownMenu.Item className={menu.item} onSelect={() => onAct({ act: 'unsnooze' })}>
                {t('act.unsnooze')}
              </DropdownMenu.Item>
            )}
            {choices.map(({ name, at }) => (
              <DropdownMenu.Item
                key={name}
                ref={name === again.name ? lastItem : undefined}
                className={menu.item}
                onSelect={() => {
                  setLastUsed(name);
                  onAct(snoozeUntil(at));
                }}
              >
                {t(`snooze.${name}`)}
                <span className={menu.keys}>
                  {intl.formatDate(at, { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })}
                </span>
              </DropdownMenu.Item>
            ))}
            <DropdownMenu.Item className={menu.item} onSelect={ask}>
              {t('snooze.custom')}
            </DropdownMenu.Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {asking && (
        <LateDialog onGivenUp={asked}>
          <SnoozeDialog onUntil={(until) => onAct(snoozeUntil(until))} onClose={asked} />
        </LateDialog>
      )}
    </>
  );
}
