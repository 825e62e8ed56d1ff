/** What can be chosen for an inbox. */
export interface Look {
  scheme: 'light' | 'dark' | 'auto';
  locale: 'en' | 'es';
  /** A colour as CSS writes it; null: the inbox's own. */
  accent: string | null;
  /** The width of the panel, in pixels. */
  width: number;
}

export const USUAL: Look = { scheme: 'auto', locale: 'en', accent: null, width: 400 };

/** The React code and the CSS that make an inbox of this look, with the stream of the gateway at `origin`. */
export function snippetOf({ scheme, locale, accent, width }: Look, origin: string): { code: string; css: string } {
  const properties = [`colorScheme="${scheme}"`, ...(locale === USUAL.locale ? [] : [`locale="${locale}"`])];
  const variables = [
    ...(accent === null ? [] : [`--tocsin-accent: ${accent};`]),
    ...(width === USUAL.width ? [] : [`--tocsin-width: ${width}px;`]),
  ];
  const code = `import { AlertInbox, AlertStreamProvider } from '@tocsin/react-client';
import '@tocsin/react-client/inbox.css';

<AlertStreamProvider token={getToken} url="${origin}/api/events">
  <AlertInbox ${properties.join(' ')} />
</AlertStreamProvider>`;
  return { code, css: variables.length === 0 ? '' : `.tocsin-inbox { ${variables.join(' ')} }` };
}
