import { All, Controller, Delete, Get, HttpCode, Query, Req, Res } from '@nestjs/common';
import { Refused, type SignedIn, type SignedOut } from '@tocsin/contracts';
import { judgeToken, Revocations, SessionCookies, SessionDoor, SIGN_IN_LASTS_MS } from '@tocsin/auth';
import { Log } from '@tocsin/observability';
import type { Request, Response } from 'express';
import { ApiTags } from '../description/operation.docs';
import { STREAM_COOKIE, STREAM_COOKIE_OPTIONS } from '../connect/stream-request';
import { codeOf } from '../problems/problem-answers';
import * as described from './session.docs';

/** How many sign-ins a browser may have under way: each is a cookie, and a request's head has a bound. */
const MAX_UNDER_WAY = 5;

/**
 * Signing in and out through the OpenID provider, where `OIDC_ISSUER` is set. The session is a cookie that no script
 * reads; the tokens stay with the gateway. To a browser that navigates, a failure is told by the page: it is sent there
 * with `#sign_in=<code>`.
 */
@Controller('api/v1/session')
@ApiTags('session')
export class SessionController {
  constructor(
    private readonly door: SessionDoor,
    private readonly revocations: Revocations,
    private readonly log: Log,
  ) {}

  /** The user who is signed in. */
  @Get()
  @described.showSession
  async showSession(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<SignedIn> {
    this.door.required();
    response.set('Cache-Control', 'no-store');
    const token = await this.door.tokenOf(request);
    if (!token) throw new Refused('missing_credentials', 'There is no session.');
    judgeToken(token, this.revocations, []);
    return {
      user_id: token.user_id,
      scopes: [...token.scopes],
      ends_at: new Date(token.session.ends_at).toISOString(),
    };
  }

  /**
   * Ends the session: in every tab, with its streams. The cookie of streams goes too, since it is good without the
   * session. Doing so again is harmless.
   */
  @Delete()
  @HttpCode(200)
  @described.signOut
  async signOut(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<SignedOut> {
    const { cookies, sessions } = this.door.required();
    response.set('Cache-Control', 'no-store');
    this.door.judgeOrigin(request);
    const secret = SessionCookies.valueOf(request, cookies.session);
    const end_session_url = secret === undefined ? null : await sessions.end(secret);
    response.clearCookie(cookies.session, cookies.options());
    response.clearCookie(STREAM_COOKIE, STREAM_COOKIE_OPTIONS);
    return { end_session_url };
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, DELETE');
    throw new Refused('method_not_allowed', 'A session is read with GET and ended with DELETE.');
  }

  /** Sends the browser to the provider. */
  @Get('sign-in')
  @described.signIn
  async signIn(
    @Query('return_to') returnTo: unknown,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { cookies, signIn } = this.door.required();
    await this.navigate(request, response, undefined, async () => {
      const { url, state, cookie } = await signIn.begin(typeof returnTo === 'string' ? returnTo : undefined);
      const underWay = cookies.signInsIn(request);
      if (underWay.length >= MAX_UNDER_WAY) for (const name of underWay) response.clearCookie(name, cookies.options());
      response.cookie(cookies.signIn(state), cookie, { ...cookies.options(SIGN_IN_LASTS_MS), encode: String });
      return url;
    });
  }

  /** Where the provider sends the browser back to. */
  @Get('callback')
  @described.finishSignIn
  async finishSignIn(
    @Query('state') state: unknown,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { cookies, signIn, sessions } = this.door.required();
    const name = typeof state === 'string' ? cookies.signIn(state) : undefined;
    const begun = name === undefined ? undefined : SessionCookies.valueOf(request, name);
    let isSignedIn = false;
    await this.navigate(request, response, begun, async () => {
      const { tokens, return_to } = await signIn.finish(request.url.split('?')[1] ?? '', begun);
      const secret = await sessions.create(tokens);
      response.cookie(cookies.session, secret, { ...cookies.options(), encode: String });
      // it counts before the session, and may be that of another person
      response.clearCookie(STREAM_COOKIE, STREAM_COOKIE_OPTIONS);
      isSignedIn = true;
      return return_to;
    });
    // after the answer: the other tabs, whose streams end now, go on with the new cookie
    if (isSignedIn) await this.endFormer(request);
  }

  @All(['sign-in', 'callback'])
  refuseOtherMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'This address is opened by a browser, with GET.');
  }

  /**
   * Ends the session whose cookie the new one replaces, because this browser cannot sign out of it any more. The
   * sign-in goes on when that fails; then the former session ends when it has been idle for `SESSION_IDLE_MS`.
   */
  private async endFormer(request: Request): Promise<void> {
    const { cookies, sessions } = this.door.required();
    const former = SessionCookies.valueOf(request, cookies.session);
    if (former === undefined) return;
    try {
      await sessions.end(former);
    } catch (error) {
      // the cause may hold what the provider answered, so it is not logged
      this.log.warn(
        { code: codeOf(error), detail: (error as Error).message },
        'the session before a sign-in could not be ended',
      );
    }
  }

  /** Sends a browser where `lead` says, or to the page with the code of the failure. */
  private async navigate(
    request: Request,
    response: Response,
    begun: string | undefined,
    lead: () => Promise<string>,
  ): Promise<void> {
    const { signIn, cookies } = this.door.required();
    response.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' });
    if (begun !== undefined && typeof request.query.state === 'string')
      response.clearCookie(cookies.signIn(request.query.state), cookies.options());
    try {
      response.redirect(303, await lead());
    } catch (error) {
      const code = codeOf(error);
      // the cause may hold what the provider answered, so it is not logged
      this.log.warn({ code, detail: (error as Error).message }, 'a sign-in failed');
      if (!request.accepts('html') || !(request.headers.accept ?? '').includes('text/html')) throw error;
      response.redirect(303, `${signIn.returnTo(begun)}#sign_in=${code}`);
    }
  }
}
