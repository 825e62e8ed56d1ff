/** The place of an element in the body, and roughly how many values it holds. */
export interface Span {
  start: number;
  end: number;
  values: number;
}

/** How many bytes one call scans: about a millisecond. */
const STEP = 256 * 1024;

const [QUOTE, COMMA, COLON, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x22, 0x2c, 0x3a, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d,
];

/**
 * Finds the elements of a list in the bytes of a body without decoding them: the list is the body itself, or the member
 * `alerts` when the body is an object. It recognises only what separates text from structure. Whether an element is
 * valid JSON is found when it is decoded, so elements cut from an invalid body are refused there.
 */
export class ListCutter {
  /** The elements found; undefined when the body holds no such list. */
  elements: Span[] | undefined;
  /** The body without the elements; it is valid JSON again. */
  frame: Buffer = Buffer.alloc(0);
  frameValues = 0;
  /** Whether the body is an object that contains the list. */
  isGroup = false;

  private at = 0;
  private depth = 0;
  private inText = false;
  private textStart = 0;
  private key = '';
  /** The nesting depth of the list of elements; 0 outside of it. */
  private listDepth = 0;
  private elementStart = 0;
  private elementValues = 0;
  /** Where the next part of the frame begins. */
  private copied = 0;
  private readonly frameParts: Buffer[] = [];

  constructor(private readonly body: Buffer) {}

  /** Scans the next bytes. True when the whole body has been scanned. */
  advance(): boolean {
    const until = Math.min(this.body.length, this.at + STEP);
    while (this.at < until) this.step(this.body[this.at]!);
    if (this.at < this.body.length) return false;
    this.frame = Buffer.concat([...this.frameParts, this.body.subarray(this.copied)]);
    return true;
  }

  private step(byte: number): void {
    if (this.inText) {
      this.skipText();
      return;
    }
    switch (byte) {
      case QUOTE:
        this.inText = true;
        this.textStart = this.at + 1;
        break;
      case COLON:
        if (this.depth === 1)
          this.key = this.body.toString('latin1', this.textStart, Math.min(this.textStart + 7, this.at));
        break;
      case COMMA:
        this.count();
        if (this.depth === this.listDepth && this.depth > 0) this.endElement();
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        this.count();
        this.open(byte);
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        this.close();
        break;
      default:
    }
    this.at += 1;
  }

  /** Skips to the end of the text, or of the body. */
  private skipText(): void {
    let end = this.body.indexOf(QUOTE, this.at);
    for (; end >= 0; end = this.body.indexOf(QUOTE, end + 1)) {
      let backslashes = 0;
      while (this.body[end - 1 - backslashes] === BACKSLASH && end - 1 - backslashes >= this.textStart)
        backslashes += 1;
      if (backslashes % 2 === 0) break;
    }
    this.inText = false;
    this.at = end < 0 ? this.body.length : end + 1;
  }

  private open(byte: number): void {
    this.depth += 1;
    const begins =
      byte === OPEN_LIST && (this.depth === 1 || (this.depth === 2 && this.listDepth === 0 && this.key === 'alerts"'));
    if (!begins) return;
    this.isGroup = this.depth === 2;
    this.listDepth = this.depth;
    this.elements = [];
    this.elementStart = this.at + 1;
    this.elementValues = 0;
    this.frameParts.push(this.body.subarray(this.copied, this.at + 1));
    // Skip to the end of the list, if it ends.
    this.copied = this.body.length;
  }

  private close(): void {
    if (this.depth === this.listDepth && this.listDepth > 0) {
      if (this.elements!.length > 0 || !this.isBlank(this.elementStart, this.at)) this.endElement();
      this.copied = this.at;
      this.listDepth = 0;
    }
    this.depth -= 1;
  }

  private endElement(): void {
    this.elements!.push({ start: this.elementStart, end: this.at, values: this.elementValues });
    this.elementStart = this.at + 1;
    this.elementValues = 0;
  }

  private count(): void {
    if (this.listDepth > 0) this.elementValues += 1;
    else this.frameValues += 1;
  }

  private isBlank(from: number, to: number): boolean {
    for (let at = from; at < to; at += 1) if (this.body[at]! > 0x20) return false;
    return true;
  }
}
