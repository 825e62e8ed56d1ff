import { useEffect } from 'react';
import { preferences, setPreferences, usePreference } from './preferences';

/** The theme that is chosen, on the root of the page; without a choice the system decides. */
export function useTheme(): void {
  const [theme] = usePreference('theme');
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
}

/** From whatever is seen now to the other. */
export function switchTheme(): void {
  const { theme } = preferences();
  const dark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  setPreferences({ theme: dark ? 'light' : 'dark' });
}
