/**
 * Starts Swagger UI with the token of this tab's session, which the page keeps in the session storage, or else with the
 * session of the browser's cookie, and says whose session it is. A link may carry a token in `#token=…`, which browsers
 * send to no server; it is kept for the tab and removed from the address. It is a separate file because the security
 * policy of these pages lets nothing inline run.
 */
export const TRY_IT = `'use strict';
(() => {
  const KEY = 'tocsin.token';
  // addresses are relative to this script's, which is below the gateway's base path
  const here = document.currentScript.src;

  function tokenOfTab() {
    const given = new URLSearchParams(location.hash.slice(1)).get('token');
    if (given !== null) history.replaceState(null, '', location.pathname);
    try {
      if (given) sessionStorage.setItem(KEY, given);
      return given || sessionStorage.getItem(KEY);
    } catch {
      return given; // no storage: the token is known until the next load
    }
  }

  /**
   * The user and the end of a JWT; undefined for a text that is none. Only the gateway can tell whether it is valid.
   */
  function claimsOf(token) {
    try {
      const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
      const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
      const { user_id, sub, exp } = JSON.parse(new TextDecoder().decode(bytes));
      return { user: user_id ?? sub, ends: new Date(exp * 1000) };
    } catch {
      return undefined;
    }
  }

  const token = tokenOfTab();
  const claims = token === null ? undefined : claimsOf(token);
  const isValid = claims !== undefined && claims.ends > new Date();

  function tell(state, claims) {
    for (const told of document.querySelectorAll('[data-session]')) told.hidden = told.dataset.session !== state;
    if (!claims) return;
    for (const user of document.querySelectorAll('[data-user]')) user.textContent = claims.user;
    for (const ends of document.querySelectorAll('[data-ends]')) {
      ends.dateTime = claims.ends.toISOString();
      ends.textContent = claims.ends.toLocaleString();
    }
  }

  /**
   * Says whose session the cookie opens. No script reads that cookie: the browser adds it to the requests of this
   * page, and the Origin that the gateway wants with a change.
   */
  async function tellOfCookie(without) {
    try {
      const response = await fetch(new URL('../../api/v1/session', here), { cache: 'no-store', signal: AbortSignal.timeout(10_000) });
      if (response.status === 401) return tell(without, claims);
      if (!response.ok) return tell('unknown');
      const { user_id, ends_at } = await response.json();
      tell('cookie', { user: user_id, ends: new Date(ends_at) });
    } catch {
      tell('unknown');
    }
  }

  const without = claims === undefined ? 'signed-out' : 'ended';
  if (isValid) tell('signed-in', claims);
  else if (document.querySelector('[data-asks]')) void tellOfCookie(without);
  else tell(without, claims);

  // The link to each operation is a link in a button, and the choice among one server has no name: neither can be used
  // with a screen reader, and both are left out. An address such as /docs#/alerts/listAlerts opens its operation still.
  const accessible = () => ({
    wrapComponents: {
      DeepLink: (_original, { React }) => ({ text }) => React.createElement('span', null, text),
      ServersContainer: () => () => null,
    },
  });

  const ui = SwaggerUIBundle({
    url: new URL('../openapi.json', here).href,
    dom_id: '#swagger-ui',
    deepLinking: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    plugins: [accessible],
    onComplete: () => isValid && ui.preauthorizeApiKey('bearer', token),
  });
})();
`;
