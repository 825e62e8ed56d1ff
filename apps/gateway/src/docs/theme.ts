/**
 * Sets the theme that the user has chosen on the page; without a choice the system's theme counts. Swagger UI has a
 * class of its own for its dark colours.
 */
export const THEME = `'use strict';
(() => {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const show = () => {
    let theme;
    try {
      theme = JSON.parse(localStorage.getItem('tocsin.preferences') ?? '{}').theme;
    } catch {
      // no storage: nothing was chosen
    }
    const chosen = theme === 'dark' || theme === 'light' ? theme : undefined;
    if (chosen) root.dataset.theme = chosen;
    else delete root.dataset.theme;
    root.classList.toggle('dark-mode', (chosen ?? (system.matches ? 'dark' : 'light')) === 'dark');
  };
  show();
  system.addEventListener('change', show);
  addEventListener('storage', show);
})();
`;
