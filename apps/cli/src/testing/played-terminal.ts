import { Readable } from 'node:stream';
import type { Calling } from '../calling';
import type { Terminal } from '../terminal';

/** A terminal that keeps its output, so that a test can read it. */
export class PlayedTerminal implements Terminal {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly colours = false;
  calling: Calling = 'npm';
  private readonly controller = new AbortController();

  constructor(
    readonly environment: Readonly<Record<string, string>> = {},
    private readonly input = '',
  ) {}

  get stdin(): AsyncIterable<Uint8Array> {
    return Readable.from([Buffer.from(this.input)]);
  }

  out(line: string): void {
    this.stdout.push(line);
  }

  err(line: string): void {
    this.stderr.push(line);
  }

  interrupted(): AbortSignal {
    return this.controller.signal;
  }

  pressCtrlC(): void {
    this.controller.abort();
  }
}
