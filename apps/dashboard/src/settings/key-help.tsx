import { Dialog } from 'radix-ui';
import { below } from '../base-path';
import { useWords, type Words } from '../words/words';
import menu from './menu.module.css';
import styles from './key-help.module.css';

const keysOf = (t: Words): [string, string][] => [
  ['J K ↓ ↑', t('keys.move')],
  ['Enter O', t('keys.open')],
  ['Esc', t('keys.close')],
  ['X', t('keys.select')],
  ['⇧J ⇧K', t('keys.extend')],
  ['Ctrl A', t('keys.all')],
  ['A', t('act.acknowledge')],
  ['R', t('act.resolve')],
  ['⇧R', t('act.reopen')],
  ['S', t('act.snooze')],
  ['M', t('act.assign')],
  ['N', t('keys.note')],
  ['Z', t('keys.undo')],
  ['/', t('nav.search')],
  ['1 2 3 4', t('keys.severity')],
  ['G O', t('view.open')],
  ['G M', t('view.mine')],
  ['G S', t('view.snoozed')],
  ['G R', t('view.resolved')],
  ['G A', t('view.all')],
  ['Home End', t('keys.ends')],
  ['G T', t('keys.tenants')],
  ['G V', t('keys.overview')],
  ['.', t('keys.showNew')],
  ['P', t('keys.pause')],
  ['D', t('keys.quiet')],
  ['T', t('keys.theme')],
  ['Ctrl K', t('keys.everything')],
  ['?', t('keys.help')],
];

/** The keys of the page. */
export default function KeyHelp({ onClose }: { onClose(): void }) {
  const { t } = useWords();
  return (
    <Dialog.Root open onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={menu.overlay} />
        <Dialog.Content className={menu.dialog} aria-describedby={undefined}>
          <Dialog.Title>{t('keys.title')}</Dialog.Title>
          <dl className={styles.keys}>
            {keysOf(t).map(([keys, does]) => (
              <div key={keys}>
                <dt>
                  {keys.split(' ').map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
          <p>
            <a href={below('/docs/guide/page')}>{t('settings.guide')}</a>
          </p>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
