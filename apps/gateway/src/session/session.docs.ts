import { applyDecorators } from '@nestjs/common';
import { ref, text } from '../description/json-schema';
import { Answer, ApiOperation, Problems, QueryParameter } from '../description/operation.docs';

const leads = (description: string) => Answer(303, description);

export const showSession = applyDecorators(
  ApiOperation({
    summary: 'Who is signed in',
    description: 'Reads the cookie of the session. Where OIDC_ISSUER is not set there are no sessions: not_found.',
  }),
  Answer(200, 'The session of the cookie.', ref('SignedIn')),
  Problems(
    'not_found',
    'missing_credentials',
    'session_ended',
    'token_revoked',
    'identity_provider_unavailable',
    'store_unavailable',
  ),
);

export const signOut = applyDecorators(
  ApiOperation({
    summary: 'Sign out: end the session in all tabs, with its streams',
    description:
      'This gateway refuses the cookie from the answer on, the others within 3 s. The cookie of streams is cleared as well. Without a session nothing else happens. The page then leads the browser to `end_session_url`, if there is one.',
  }),
  Answer(200, 'The session has ended.', ref('SignedOut')),
  Problems('not_found', 'cross_site_request', 'store_unavailable'),
);

export const signIn = applyDecorators(
  ApiOperation({
    summary: 'Begin to sign in: leads a browser to the OpenID provider',
    description:
      'For a browser that navigates. On a failure, one that accepts text/html is sent to the page with `#sign_in=<code>` in the address.',
  }),
  QueryParameter({
    name: 'return_to',
    schema: text(),
    description: 'The path of this origin, with its query, to return to. Everything else leads to /.',
  }),
  leads('The address at the provider.'),
  Problems('not_found', 'identity_provider_unavailable'),
);

export const finishSignIn = applyDecorators(
  ApiOperation({
    summary: 'Finish to sign in: the address to which the OpenID provider leads the browser back',
    description: 'The query is that of the provider (OpenID Connect Core, section 3.1.2.5). On a failure as sign-in.',
  }),
  QueryParameter({ name: 'code', schema: text(), description: 'The code of the provider.' }),
  QueryParameter({ name: 'state', schema: text(), description: 'Names the sign-in that this browser began.' }),
  leads('The address that was asked for when the sign-in began, with the cookie of the session.'),
  Problems('not_found', 'sign_in_failed', 'identity_provider_unavailable', 'store_unavailable'),
);
