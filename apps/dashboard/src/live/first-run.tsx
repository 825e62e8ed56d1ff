import type { ReactNode } from 'react';
import { Tabs } from 'radix-ui';
import { gatewayAddress } from '../base-path';
import { CopyButton } from '../detail/copy-button';
import { keptToken } from '../session/session';
import { Mark } from '../settings/mark';
import buttons from '../settings/icon-button.module.css';
import { useWords } from '../words/words';
import { Empty } from './empty';
import styles from './empty.module.css';
import { publishSamples, TOKEN_NEEDED, TOKEN_SHOWN } from './publish-samples';

/** Shown when there has never been an alert: how to publish the first one. */
export default function FirstRun({
  tenant,
  onTest,
  notice,
}: {
  tenant: string;
  onTest: (() => void) | null;
  notice: ReactNode;
}) {
  const { t } = useWords();
  const samples = publishSamples(gatewayAddress(), tenant, TOKEN_SHOWN);
  // what may send a test alert may publish
  const copies = publishSamples(gatewayAddress(), tenant, (onTest && keptToken()) || TOKEN_NEEDED);
  return (
    <Empty icon={<Mark size={40} />} title={t('empty.first')} hint={t('empty.firstHint')}>
      {notice}
      {onTest && (
        <button type="button" className={buttons.primary} onClick={onTest} data-testid="send-test">
          {t('empty.test')}
        </button>
      )}
      <Tabs.Root defaultValue="curl" className={styles.samples}>
        <Tabs.List className={styles.tabs} aria-label={t('empty.publish')}>
          {Object.keys(samples).map((name) => (
            <Tabs.Trigger key={name} value={name}>
              {name}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {Object.entries(samples).map(([name, code]) => (
          <Tabs.Content key={name} value={name} className={styles.code}>
            <pre tabIndex={0}>{code}</pre>
            <span className={styles.copy}>
              <CopyButton text={copies[name]!} label={t('empty.copy')} />
            </span>
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </Empty>
  );
}
