import { get, type ClientRequest } from 'node:http';

const MARK = Buffer.from('"event_id":"');
const ID = Buffer.from('\nid: ');
/** The longest event id or cursor that a chunk boundary may split. */
const TAIL = 400;

/**
 * A client that follows a stream of large entries and keeps only their ids. It reconnects with its cursor whenever its
 * stream ends.
 */
export class ByteFollower {
  readonly seen = new Set<string>();
  private request: ClientRequest | undefined;
  private stopped = false;
  connections = 0;

  constructor(
    private readonly url: string,
    private readonly token: string,
    private cursor?: string,
  ) {
    this.open();
  }

  stop(): void {
    this.stopped = true;
    this.request?.destroy();
  }

  private open(): void {
    if (this.stopped) return;
    const { cursor } = this;
    let tail = Buffer.alloc(0);
    const again = () => void setTimeout(() => this.open(), 100).unref();
    this.request = get(
      this.url,
      {
        agent: false,
        headers: {
          Authorization: `Bearer ${this.token}`,
          Accept: 'text/event-stream',
          ...(cursor && { 'Last-Event-ID': cursor }),
        },
      },
      (response) => {
        this.connections += 1;
        response.on('data', (chunk: Buffer) => {
          const bytes = Buffer.concat([tail, chunk]);
          this.note(bytes);
          tail = bytes.subarray(Math.max(0, bytes.length - TAIL));
        });
        response.on('error', () => undefined).on('close', again);
      },
    );
    this.request.on('error', again);
  }

  private note(bytes: Buffer): void {
    for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
      const end = bytes.indexOf('"', at + MARK.length);
      if (end > 0) this.seen.add(bytes.toString('latin1', at + MARK.length, end));
    }
    for (let at = bytes.indexOf(ID); at >= 0; at = bytes.indexOf(ID, at + 1)) {
      const end = bytes.indexOf('\n', at + ID.length);
      // it stands behind the data, so what it names has come
      if (end > 0) this.cursor = bytes.toString('latin1', at + ID.length, end);
    }
  }
}
