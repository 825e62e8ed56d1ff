/** The query of a route that takes no parameters: every one is refused. */
export class NoParameters {}
