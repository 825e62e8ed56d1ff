import { useEffect } from 'react';
import { preferences, setPreferences, usePreference } from './preferences';

/** Sets the chosen theme on the root element; without a choice the system's theme counts. */
export function useTheme(): void {
  const [theme] = usePreference('theme');
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
}

/** Switches from the theme that is shown to the other one. */
export function switchTheme(): void {
  const { theme } = preferences();
  const dark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  setPreferences({ theme: dark ? 'light' : 'dark' });
}
