import { readSettings } from '@tocsin/settings';
import { emailContradictions, emailSettings } from './email-settings';

const read = (environment: Record<string, string>) =>
  readSettings(emailSettings, environment, (config) => emailContradictions(config));

it('nothing has to be set', () => {
  expect(read({})).toEqual({
    MAIL_FROM: { name: 'Tocsin', address: 'tocsin@localhost', domain: 'localhost' },
    SMTP_URL: undefined,
  });
});

it.each([
  ['alerts@example.com', { name: '', address: 'alerts@example.com', domain: 'example.com' }],
  ['"Tocsin, Inc." <a@b.example>', { name: 'Tocsin, Inc.', address: 'a@b.example', domain: 'b.example' }],
])('MAIL_FROM %s', (text, sender) => expect(read({ MAIL_FROM: text }).MAIL_FROM).toEqual(sender));

it.each(['alerts', 'a@b.test, c@d.test', 'a@b.test\r\nBcc: c@d.test', '<>', 'a@b.test>', 'x <a@[1.2.3.4]>'])(
  'MAIL_FROM %j is refused',
  (text) => expect(() => read({ MAIL_FROM: text })).toThrow('MAIL_FROM is not valid'),
);

it('SMTP_URL is an address of a mail server, and needs a sender that it can accept', () => {
  for (const url of ['http://x', 'x', 'smtp://'])
    expect(() => read({ SMTP_URL: url })).toThrow('SMTP_URL is not valid');
  expect(() => read({ SMTP_URL: 'smtp://mail.example.com' })).toThrow('MAIL_FROM is needed');
  read({ SMTP_URL: 'smtp://127.0.0.1:2525' });
  read({ SMTP_URL: 'smtps://mail.example.com', MAIL_FROM: 'a@example.com' });
});
