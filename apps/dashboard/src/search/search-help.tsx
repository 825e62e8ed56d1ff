import { Dialog } from 'radix-ui';
import menu from '../settings/menu.module.css';
import { useWords, type Words } from '../words/words';
import styles from './search-help.module.css';

const termsOf = (t: Words): [string, string][] => [
  ['flour oven', t('searchHelp.words')],
  ['"2 kg"', t('searchHelp.phrase')],
  ['severity:urgent,high', t('searchHelp.values')],
  ['service:oven tenant:bakery', t('searchHelp.terms')],
  ['-service:oven', t('searchHelp.exclusion')],
  ['is:open is:snoozed is:resolved', t('searchHelp.state')],
  ['assignee:me assignee:none', t('searchHelp.assignee')],
  ['label.cluster:west', t('searchHelp.label')],
  ['after:2h before:2026-03-01', t('searchHelp.time')],
];

/** What the search field understands, with an example each. */
export default function SearchHelp({ onClose }: { onClose(): void }) {
  const { t } = useWords();
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={menu.overlay} />
        <Dialog.Content className={menu.dialog} aria-describedby={undefined}>
          <Dialog.Title>{t('search.help')}</Dialog.Title>
          <dl className={styles.terms}>
            {termsOf(t).map(([example, meaning]) => (
              <div key={example}>
                <dt>
                  <code>{example}</code>
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
