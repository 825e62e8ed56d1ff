/** A part of a text: from the first character on, up to the one before `end`. */
export interface Place {
  start: number;
  end: number;
}

const SPACE = /\s*/y;
const STRING = /"(?:[^"\\]|\\.)*"/sy;
const SCALAR = /-?\d[\d.eE+-]*|true|false|null/y;
/** Deeper texts are not searched: the scan would exceed the call stack, and people do not read them. */
const MAX_DEPTH = 200;

/** Where the text stops being JSON. */
class Fault extends Error {
  constructor(readonly at: number) {
    super(`no JSON at ${at}`);
  }
}

/** Reads JSON for its positions alone: of a value, each member with its key is noted under its pointer. */
class Scan {
  private at = 0;
  readonly places = new Map<string, Place>();

  constructor(private readonly text: string) {}

  whole(): void {
    this.value('', 0);
    this.take(SPACE);
    if (this.at < this.text.length) throw new Fault(this.at);
  }

  private value(pointer: string, depth: number): void {
    if (depth > MAX_DEPTH) throw new Fault(this.at);
    this.take(SPACE);
    const open = this.text[this.at];
    if (open === '{') this.members('}', pointer, depth);
    else if (open === '[') this.members(']', pointer, depth);
    else if (this.take(STRING) === null && this.take(SCALAR) === null) throw new Fault(this.at);
  }

  private members(close: '}' | ']', pointer: string, depth: number): void {
    this.at += 1;
    this.take(SPACE);
    if (this.skip(close)) return;
    for (let index = 0; ; index += 1) {
      this.take(SPACE);
      const start = this.at;
      const below = `${pointer}/${close === '}' ? this.key() : index}`;
      this.value(below, depth + 1);
      this.places.set(below, { start, end: this.at });
      this.take(SPACE);
      if (this.skip(close)) return;
      if (!this.skip(',')) throw new Fault(this.at);
    }
  }

  private key(): string {
    const start = this.at;
    const key = this.take(STRING);
    if (key === null) throw new Fault(start);
    this.take(SPACE);
    if (!this.skip(':')) throw new Fault(this.at);
    try {
      return (JSON.parse(key) as string).replaceAll('~', '~0').replaceAll('/', '~1');
    } catch {
      throw new Fault(start);
    }
  }

  private skip(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private take(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? null;
    if (found !== null) this.at += found.length;
    return found;
  }
}

/** The JSON pointer with which the detail of a refused message begins; null when it begins with none. */
export const pointerIn = (detail: string): string | null => /^(\/\S*): /.exec(detail)?.[1] ?? null;

/**
 * The places of a refused body that the detail names: the member under its pointer, or for a body that is no JSON the
 * first character that cannot be read. Null when there is no such place, as for a field that is missing.
 */
export function offendingPlace(body: string, detail: string): Place | null {
  const scan = new Scan(body);
  try {
    scan.whole();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.at < body.length ? { start: error.at, end: error.at + 1 } : null;
  }
  const pointer = pointerIn(detail);
  return (pointer && scan.places.get(pointer)) || null;
}
