import { snippetOf, USUAL } from './snippet';

test('an inbox of the usual look needs no CSS', () => {
  expect(snippetOf(USUAL, 'https://alerts.example.com')).toEqual({
    code: `import { AlertInbox, AlertStreamProvider } from '@tocsin/react-client';
import '@tocsin/react-client/inbox.css';

<AlertStreamProvider token={getToken} url="https://alerts.example.com/api/events">
  <AlertInbox colorScheme="auto" />
</AlertStreamProvider>`,
    css: '',
  });
});

test('what was chosen is in the code, and nothing else', () => {
  const { code, css } = snippetOf({ scheme: 'dark', locale: 'es', accent: '#0a7d4f', width: 360 }, 'http://localhost');
  expect(code).toContain('<AlertInbox colorScheme="dark" locale="es" />');
  expect(css).toBe('.tocsin-inbox { --tocsin-accent: #0a7d4f; --tocsin-width: 360px; }');
});
