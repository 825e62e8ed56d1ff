// The ready-made inbox: a bell with a count, a list, toasts, and one connection for all tabs that reconnects by itself.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { AlertInbox, AlertStreamProvider } from '@tocsin/react-client';
import '@tocsin/react-client/inbox.css';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <AlertStreamProvider token={() => localStorage.getItem('token')}>
      <AlertInbox />
    </AlertStreamProvider>
  </StrictMode>,
);
