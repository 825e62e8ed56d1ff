import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { IntlProvider, useIntl, type IntlShape } from 'react-intl';
import { usePreference } from '../settings/preferences';
import { en, type WordId } from './en';

/** The languages of the page, each under its own name. */
export const LANGUAGES = { en: 'English', es: 'Español' } as const;
export type Language = keyof typeof LANGUAGES;
type Messages = Record<WordId, string>;
/** Loaded when it is needed: most users wait for one language only. */
const LATER: Record<Exclude<Language, 'en'>, () => Promise<Messages>> = { es: async () => (await import('./es')).es };

type Values = Record<string, string | number | Date | null | undefined>;
/** Formats one text. Everything that the user reads goes through here, so that a test can compare the languages. */
export type Words = (id: WordId, values?: Values) => string;

const WordsContext = createContext<{ t: Words; intl: IntlShape } | null>(null);

/** The first of the browser's languages that the page has, else English. */
const browserLanguage = (wanted: readonly string[]): Language =>
  wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag): tag is Language => Object.hasOwn(LANGUAGES, tag)) ??
  'en';

interface Texts {
  language: Language;
  messages: Messages;
}

/** The texts in the wanted language. While they load the page keeps the language that it has; null: it has none yet. */
function useTexts(wanted: Language): Texts | null {
  const [texts, setTexts] = useState<Texts | null>(wanted === 'en' ? { language: wanted, messages: en } : null);
  useEffect(() => {
    let isWanted = true;
    const show = (language: Language, messages: Messages) => isWanted && setTexts({ language, messages });
    if (wanted === 'en') show('en', en);
    // without a network the page is better in English than blank
    else
      LATER[wanted]().then(
        (messages) => show(wanted, messages),
        () => show('en', en),
      );
    return () => void (isWanted = false);
  }, [wanted]);
  return texts;
}

export function WordsProvider({ children }: { children: ReactNode }) {
  const [chosen] = usePreference('language');
  const texts = useTexts(chosen === 'system' ? browserLanguage(navigator.languages) : chosen);
  if (!texts) return null;
  const { language, messages } = texts;
  // Numbers and dates use the user's own region, if the browser lists one for the chosen language.
  const locale = navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;
  document.documentElement.lang = language;
  return (
    <IntlProvider locale={locale} messages={messages}>
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
