import type { Request, Response } from 'express';

/**
 * The page that a browser gets at `/`. An app that has a page provides one; without it the gateway answers with a short
 * welcome.
 */
export abstract class FrontPage {
  /** Responds with the page, its security policy and its caching headers. */
  abstract send(request: Request, response: Response): void;
}
