import { Popover, Switch } from 'radix-ui';
import { useSyncExternalStore } from 'react';
import { Bell as BellIcon, BellOff, Moon, Volume2 } from 'lucide-react';
import { bell } from '../live/the-bell';
import { useNow } from '../words/clock';
import { mornings, spanWords } from '../words/time-words';
import { useWords } from '../words/words';
import buttons from './icon-button.module.css';
import menu from './menu.module.css';
import { isQuiet, usePreference } from './preferences';
import styles from './quiet-menu.module.css';

const MINUTE_MS = 60_000;
/** The choices of do-not-disturb with the times at which they end; null: not by themselves. */
const choicesAt = (now: number) => [
  { words: 'quiet.half' as const, at: now + 30 * MINUTE_MS },
  { words: 'quiet.hour' as const, at: now + 60 * MINUTE_MS },
  ...mornings(now).map(({ day, at }) => ({ words: `quiet.${day}` as const, at })),
  { words: 'quiet.always' as const, at: null },
];

/** The menu for sound, volume and do-not-disturb. */
export default function QuietMenu() {
  const { t, intl } = useWords();
  const now = useNow();
  const [sound, setSound] = usePreference('sound');
  const [volume, setVolume] = usePreference('volume');
  const [quietUntil, setQuietUntil] = usePreference('quietUntil');
  const [urgentThrough, setUrgentThrough] = usePreference('urgentThrough');
  const canSound = useSyncExternalStore(bell.subscribe, () => bell.ready);
  const quiet = isQuiet({ quietUntil, urgentThrough: false }, false, now);
  const words = quiet
    ? quietUntil === -1
      ? t('quiet.on')
      : t('quiet.left', { span: spanWords(intl, Math.max(MINUTE_MS, quietUntil! - now)) })
    : t(!sound ? 'sound.off' : canSound ? 'sound.on' : 'sound.blocked');
  return (
    <Popover.Root>
      <Popover.Trigger
        className={buttons.button}
        aria-label={`${t('sound.label')}: ${words}`}
        title={words}
        data-on={quiet}
      >
        {quiet ? (
          <Moon size={17} aria-hidden />
        ) : sound && canSound ? (
          <BellIcon size={17} aria-hidden />
        ) : (
          <BellOff size={17} aria-hidden />
        )}
        {quiet && (
          <span className={styles.left} data-number>
            {words}
          </span>
        )}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className={menu.panel}
          align="end"
          sideOffset={6}
          collisionPadding={12}
          aria-label={t('sound.label')}
        >
          <div className={styles.line}>
            <label htmlFor="sound-on">{words}</label>
            <Toggle id="sound-on" checked={sound} onChange={setSound} label={t('sound.label')} />
          </div>
          <div className={styles.line}>
            <Volume2 size={16} aria-hidden />
            <input
              type="range"
              min={0}
              max={1}
              step={0.05}
              value={volume}
              aria-label={t('sound.volume')}
              onChange={(event) => setVolume(Number(event.target.value))}
            />
            <button
              type="button"
              className={buttons.secondary}
              onClick={() => bell.ring('urgent', volume, { even: true })}
            >
              {t('sound.listen')}
            </button>
          </div>
          <div className={menu.line} />
          <p className={menu.heading}>{t('quiet.label')}</p>
          {quiet && (
            <button type="button" className={`${menu.item} ${styles.choice}`} onClick={() => setQuietUntil(null)}>
              {t('quiet.off')}
            </button>
          )}
          {choicesAt(now).map(({ words, at }) => (
            <button
              key={words}
              type="button"
              className={`${menu.item} ${styles.choice}`}
              onClick={() => setQuietUntil(at ?? -1)}
            >
              {t(words)}
              {at !== null && (
                <span className={menu.keys}>
                  {intl.formatDate(at, { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })}
                </span>
              )}
            </button>
          ))}
          <div className={styles.line}>
            <label htmlFor="urgent-through">{t('quiet.urgent')}</label>
            <Toggle id="urgent-through" checked={urgentThrough} onChange={setUrgentThrough} label={t('quiet.urgent')} />
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Toggle({
  id,
  checked,
  onChange,
  label,
}: {
  id: string;
  checked: boolean;
  onChange(checked: boolean): void;
  label: string;
}) {
  return (
    <Switch.Root id={id} className={styles.switch} checked={checked} onCheckedChange={onChange} aria-label={label}>
      <Switch.Thumb className={styles.thumb} />
    </Switch.Root>
  );
}
