import { useEffect } from 'react';
import { useWords } from '../words/words';

/** The tab's icon, with a dot when there are unseen urgent alerts. */
function favicon(dot: boolean): string {
  const bell = `<rect width='32' height='32' rx='8' fill='#14181F'/><path d='M16 6.5a1.6 1.6 0 0 0-1.6 1.6v.5C11 9.3 9 12 9 15.3v3.9l-1.7 2.4c-.5.7 0 1.7.9 1.7h15.6c.9 0 1.4-1 .9-1.7L23 19.2v-3.9c0-3.3-2-6-5.4-6.7v-.5A1.6 1.6 0 0 0 16 6.5Z' fill='#fff'/><path d='M13.3 25a2.8 2.8 0 0 0 5.4 0Z' fill='#F23450'/>`;
  const mark = dot ? `<circle cx='25' cy='7' r='6' fill='#F23450' stroke='#fff' stroke-width='2'/>` : '';
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>${bell}${mark}</svg>`)}`;
}

/** Shows the number of unseen urgent alerts in the tab's title, for a user who looks at another tab. */
export function usePageTitle(urgentUnseen: number): void {
  const { t } = useWords();
  useEffect(() => {
    document.title = t('app.title', { urgent: urgentUnseen });
    const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    if (icon) icon.href = favicon(urgentUnseen > 0);
  }, [urgentUnseen, t]);
}
