import { createIntl } from 'react-intl';
import { useMemo } from 'react';
import { useWords, type Language } from './words';

/** The texts of a part of the page that is loaded when it is needed: every user waits for the other texts. */
export type LateWords<Id extends string> = Readonly<Record<Language, Record<Id, string>>>;

/** Formats such texts in the page's language. */
export function useLateWords<Id extends string>(
  words: LateWords<Id>,
): (id: Id, values?: Record<string, string | number>) => string {
  const { intl } = useWords();
  return useMemo(() => {
    // the locale may name a region too, such as `es-MX`
    const language = Object.keys(words).find((one) => intl.locale.startsWith(one)) as Language;
    const own = createIntl({ locale: intl.locale, messages: words[language] });
    return (id, values) => String(own.formatMessage({ id }, values));
  }, [intl, words]);
}
