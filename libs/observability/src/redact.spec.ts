import { redact } from './redact';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLWNhbmFyeQ';

describe('redact', () => {
  test.each([
    ['a query token', `GET /api/events?token=canary-1&tenant=acme`, 'GET /api/events?token=[redacted]&tenant=acme'],
    ['a ticket', '/api/events?tenant=a&ticket=canary.x-y', '/api/events?tenant=a&ticket=[redacted]'],
    ['an access token', '/cb?access_token=canary#top', '/cb?access_token=[redacted]#top'],
    ['a percent-encoded parameter', 'next=%2Fapi%3Ftoken%3Dcanary', 'next=%2Fapi%3Ftoken%3D[redacted]'],
    ['a bearer token', 'authorization was Bearer canary.abc', 'authorization was Bearer [redacted]'],
    ['a bearer token in any case', 'BEARER canary', 'BEARER [redacted]'],
    ['a JWT on its own', `cannot read ${JWT}`, 'cannot read [redacted]'],
    ['a JWT behind an escaped line feed', `{"msg":"it is\\n${JWT}"}`, '{"msg":"it is\\n[redacted]"}'],
    ['the password of a URL', 'amqp://tocsin:canary@mq.example:5672/v', 'amqp://[redacted]@mq.example:5672/v'],
    ['a password with an at sign and a slash', 'postgres://u:can@ry/9@db/x', 'postgres://[redacted]@db/x'],
    ['a user that is a token', 'https://canary@host/x', 'https://[redacted]@host/x'],
    ['a session', '__Host-tocsin_session=canary; b=2', '__Host-tocsin_session=[redacted]; b=2'],
    ['a sign-in', 'tocsin_sign_in_aB-_1=canary; b=2', 'tocsin_sign_in_aB-_1=[redacted]; b=2'],
    ['a cookie', 'a=1; __Host-tocsin_stream=canary; b=2', 'a=1; __Host-tocsin_stream=[redacted]; b=2'],
    [
      'a field of that name',
      '{"headers":{"authorization":"canary \\" canary"},"x":1}',
      '{"headers":{"authorization":"[redacted]"},"x":1}',
    ],
    ['a field whose name ends so', '{"client_secret":"canary"}', '{"client_secret":"[redacted]"}'],
    ['a list of cookies', '{"set-cookie":["canary"],"x":1}', '{"set-cookie":"[redacted]","x":1}'],
    [
      'JSON inside a string',
      String.raw`{"msg":"{\"token\": \"canary\"}"}`,
      String.raw`{"msg":"{\"token\": \"[redacted]\"}"}`,
    ],
  ])('takes out %s', (_, text, expected) => {
    expect(redact(text)).toBe(expected);
  });

  test.each([
    'GET /api/events?tenant=acme&severity=urgent',
    'https://example.org:8443/path',
    '{"tenant_id":"acme","seq":12,"reason":"token_expired"}',
    'someone@example.org is told',
  ])('leaves alone: %s', (text) => {
    expect(redact(text)).toBe(text);
  });

  test('leaves a line of JSON valid', () => {
    const line = JSON.stringify({
      token: `a"b\\c`,
      url: `x?token=${JWT}"`,
      nested: { password: ['a', 'b'], cookie: 'c' },
      text: `Bearer ${JWT}`,
    });
    const redacted = redact(line);
    expect(() => JSON.parse(redacted)).not.toThrow();
    expect(redacted).not.toContain('eyJ');
  });

  test('takes time in proportion to a hostile line', () => {
    for (const unit of ['eyJ', 'eyJaaaaaaaa.', '://a:', '"token\\', 'token=', 'Bearer ', '"cookie":[']) {
      const line = unit.repeat(Math.ceil(65_536 / unit.length));
      const before = performance.now();
      redact(line);
      expect(performance.now() - before).toBeLessThan(1_000);
    }
  });
});
