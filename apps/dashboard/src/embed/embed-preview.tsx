import { useEffect, useState, type CSSProperties } from 'react';
import { AlertInbox } from '@tocsin/react-client';
import '@tocsin/react-client/inbox.css';
import { below, gatewayAddress } from '../base-path';
import { useLateWords } from '../words/late-words';
import { CodeBlock } from './code-block';
import { LookForm } from './look-form';
import { PREVIEW_WORDS } from './preview-words';
import styles from './preview.module.css';
import { snippetOf, USUAL, type Look } from './snippet';

/** `/embed-preview`: the inbox of `@tocsin/react-client` with the user's own alerts, and the code for its look. */
export default function EmbedPreview() {
  const t = useLateWords(PREVIEW_WORDS);
  const [look, setLook] = useState<Look>(USUAL);
  const { code, css } = snippetOf(look, gatewayAddress());
  useEffect(() => void (document.title = `${t('title')} · Tocsin`), [t]);
  const variables = {
    ...(look.accent !== null && { '--tocsin-accent': look.accent }),
    '--tocsin-width': `${look.width}px`,
  } as CSSProperties;
  return (
    <main className={styles.page}>
      <header className={styles.head}>
        <h1>{t('title')}</h1>
        <p>{t('intro')}</p>
        <p>
          <a href={below('/')}>{t('back')}</a> · <a href={below('/docs/guide/embed')}>{t('guide')}</a>
        </p>
      </header>
      <LookForm look={look} change={(part) => setLook((before) => ({ ...before, ...part }))} />
      <section className={styles.stage} data-scheme={look.scheme} style={variables} aria-label={t('preview')}>
        <div className={styles.bar}>
          <span>{t('page')}</span>
          <AlertInbox colorScheme={look.scheme} locale={look.locale} />
        </div>
      </section>
      <CodeBlock title={t('code')} text={code} />
      {css !== '' && <CodeBlock title={t('css')} text={css} />}
    </main>
  );
}
