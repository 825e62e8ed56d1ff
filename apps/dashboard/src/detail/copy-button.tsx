import { useEffect, useState, type ReactNode } from 'react';
import { Check, Copy } from 'lucide-react';
import { useWords } from '../words/words';
import buttons from '../settings/icon-button.module.css';

const SAID_MS = 1_500;

/** Copies a text, and shows for 1.5 s that it did. */
export function CopyButton({ text, label, children }: { text: string; label: string; children?: ReactNode }) {
  const { t } = useWords();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  // a page without TLS has no clipboard: then the button does not claim to have copied
  const copy = () =>
    void navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => undefined,
    );
  return (
    <button
      type="button"
      className={buttons.button}
      aria-label={copied ? t('empty.copied') : label}
      title={label}
      onClick={copy}
    >
      {copied ? <Check size={15} aria-hidden /> : (children ?? <Copy size={14} aria-hidden />)}
    </button>
  );
}
