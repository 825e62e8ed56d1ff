import { Refused } from '@tocsin/contracts';
import { bearerToken } from './bearer-token';

function tokenOf(authorizations: readonly string[], url = '/api/v1/alerts'): string | undefined {
  const rawHeaders = ['Host', 'x', ...authorizations.flatMap((value) => ['Authorization', value])];
  try {
    return bearerToken({ headers: { authorization: authorizations[0] }, rawHeaders, url });
  } catch (error) {
    return (error as Refused).code;
  }
}

it.each<[string, string[], string | undefined]>([
  ['a bearer token', ['Bearer abc'], 'abc'],
  ['a bearer token in any case', ['bEaReR  a.b-c_~+/='], 'a.b-c_~+/='],
  ['nothing', [], undefined],
  ['Basic of a proxy', ['Basic YW5hOnNlY3JldA=='], undefined],
  ['Digest of a proxy', ['Digest username="ana", realm="x"'], undefined],
  ['Negotiate of a proxy', ['Negotiate YII'], undefined],
  ['Basic before a bearer token', ['Basic YTpi', 'Bearer abc'], 'abc'],
  ['Basic behind a bearer token', ['Bearer abc', 'Basic YTpi'], 'abc'],
  ['two bearer tokens', ['Bearer abc', 'Bearer def'], 'invalid_request'],
  ['a scheme without a token', ['Bearer'], 'invalid_request'],
  ['two words', ['Bearer a b'], 'invalid_request'],
  ['a token without a scheme', ['abc.def.ghi'], 'invalid_request'],
  ['a tab', ['Bearer\tabc'], 'invalid_request'],
  ['an empty header', [''], 'invalid_request'],
])('%s', (_, authorizations, expected) => expect(tokenOf(authorizations)).toBe(expected));

it.each(['token', 'ticket', 'access_token'])(
  'a bearer token beside ?%s= is one too many, Basic beside it is none',
  (name) => {
    expect(tokenOf(['Bearer abc'], `/api/events?${name}=x`)).toBe('invalid_request');
    expect(tokenOf(['Basic YTpi'], `/api/events?${name}=x`)).toBeUndefined();
  },
);

it('without raw headers the one in `headers` counts', () => {
  expect(bearerToken({ headers: { authorization: 'Bearer abc' }, rawHeaders: [], url: '/' })).toBe('abc');
});
