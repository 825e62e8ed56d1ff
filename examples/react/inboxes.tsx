// Two inboxes on one page, over one connection: one in the page itself, one in a shadow root, which no style of the
// page reaches. The address of the page chooses language, colours, and whether titles are links to pages of the
// application: ?locale=es&scheme=dark&links
import { createRoot } from 'react-dom/client';
import { AlertInbox, AlertStreamProvider, type Alert } from '@tocsin/react-client';
import '@tocsin/react-client/inbox.css';
import styles from '@tocsin/react-client/inbox.css?inline';

const chosen = new URLSearchParams(location.search);
const addressOf = ({ alert_id }: Alert) => `#alert=${alert_id}`;
const inbox = (toasts: boolean) => (
  <AlertStreamProvider token={() => localStorage.getItem('token')}>
    <AlertInbox
      toasts={toasts}
      locale={chosen.get('locale') ?? 'en'}
      {...(chosen.has('links') && { href: addressOf })}
      colorScheme={chosen.get('scheme') === 'dark' ? 'dark' : 'light'}
    />
  </AlertStreamProvider>
);

createRoot(document.getElementById('root')!).render(inbox(true));

const shadow = document.getElementById('shadow')!.attachShadow({ mode: 'open' });
const sheet = new CSSStyleSheet();
sheet.replaceSync(styles);
shadow.adoptedStyleSheets = [sheet];
createRoot(shadow.appendChild(document.createElement('div'))).render(inbox(false));
