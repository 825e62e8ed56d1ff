/**
 * Starts Swagger UI. The token comes from where the page keeps it: from `#token=…` in the address, which never leaves
 * the browser, or from the tab's session storage. It is a separate file because the security policy of these pages lets
 * nothing inline run.
 */
export const TRY_IT = `'use strict';
const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given) {
  sessionStorage.setItem('tocsin.token', given);
  history.replaceState(null, '', location.pathname);
}
const token = given || sessionStorage.getItem('tocsin.token');
const ui = SwaggerUIBundle({
  url: '/docs/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete: () => token && ui.preauthorizeApiKey('bearer', token),
});
`;

/** The style sheet of the plain pages. */
export const PLAIN_CSS = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0 1.5rem; }
th, td { text-align: start; vertical-align: top; padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
`;
