import { createContext, useContext, useMemo, type ReactNode } from 'react';
import { IntlProvider, useIntl, type IntlShape } from 'react-intl';
import { usePreference } from '../settings/preferences';
import { en, type WordId } from './en';
import { es } from './es';

/** The languages of the page, each under its own name. */
export const LANGUAGES = { en: 'English', es: 'Español' } as const;
export type Language = keyof typeof LANGUAGES;
const WORDS: Record<Language, Record<WordId, string>> = { en, es };

type Values = Record<string, string | number | Date | null | undefined>;
/** Formats one text. Everything that the user reads goes through here, so that a test can compare the languages. */
export type Words = (id: WordId, values?: Values) => string;

const WordsContext = createContext<{ t: Words; intl: IntlShape } | null>(null);

/** The first of the browser's languages that the page has, else English. */
const browserLanguage = (wanted: readonly string[]): Language =>
  wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag): tag is Language => Object.hasOwn(LANGUAGES, tag)) ??
  'en';

export function WordsProvider({ children }: { children: ReactNode }) {
  const [chosen] = usePreference('language');
  const language = chosen === 'system' ? browserLanguage(navigator.languages) : chosen;
  // Numbers and dates use the user's own region, if the browser lists one for the chosen language.
  const locale = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;
  document.documentElement.lang = language;
  return (
    <IntlProvider locale={locale} messages={WORDS[language]}>
      <Provide>{children}</Provide>
    </IntlProvider>
  );
}

function Provide({ children }: { children: ReactNode }) {
  const intl = useIntl();
  const t = useMemo<Words>(() => {
    const constant = new Map<WordId, string>();
    const said = (id: WordId, values?: Values) => String(intl.formatMessage({ id }, values));
    // cached: most texts have no placeholder, and they are rendered with every new alert
    return (id, values) => {
      if (values) return said(id, values);
      if (!constant.has(id)) constant.set(id, said(id));
      return constant.get(id)!;
    };
  }, [intl]);
  const value = useMemo(() => ({ t, intl }), [t, intl]);
  return <WordsContext value={value}>{children}</WordsContext>;
}

export function useWords(): { t: Words; intl: IntlShape } {
  const value = useContext(WordsContext);
  if (!value) throw new Error('useWords needs a WordsProvider around it.');
  return value;
}
