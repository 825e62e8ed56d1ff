import type { Request, Response } from 'express';

/** What a browser gets at `/`. Whoever has a page provides it; without one there is a few lines of welcome. */
export abstract class FrontPage {
  /** Answers with the page, its policy and its caching. */
  abstract send(request: Request, response: Response): void;
}
