/** The query of a route without parameters: any parameter is refused. */
export class NoParameters {}
