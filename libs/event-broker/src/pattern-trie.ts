import { BrokerError } from './broker-error';

const PATTERN = /^(\*|[\w-]+)(\.(\*|[\w-]+))*$/;

/**
 * The segments of a pattern. `*` alone matches every type; within a longer pattern it matches exactly one segment.
 * Throws `invalid_pattern`, also for `user*` and `**`, which would look as if they matched.
 */
export function parsePattern(pattern: string): string[] {
  if (!PATTERN.test(pattern))
    throw new BrokerError(
      'invalid_pattern',
      `A pattern is segments joined by points, each of them letters, digits, _ and -, or one *: not "${pattern}".`,
    );
  return pattern.split('.');
}

/** The pattern as a regular expression that JavaScript and PostgreSQL read alike. */
export function patternRegex(pattern: string): string {
  if (pattern === '*') return '^.*$';
  return `^${parsePattern(pattern)
    .map((segment) => (segment === '*' ? '[^.]+' : segment))
    .join('\\.')}$`;
}

interface Node<Value> {
  children: Map<string, Node<Value>>;
  values: Value[];
}

/** Types that were looked up are kept; a publisher that invents a new type for each event does not fill the memory. */
const MAX_REMEMBERED = 10_000;

/**
 * Values by pattern. The patterns form a tree by segment, so that a look-up takes as long with ten thousand patterns
 * that do not match as with none. A type that was looked up before costs one look-up in a map.
 */
export class PatternTrie<Value> {
  private readonly root: Node<Value> = { children: new Map(), values: [] };
  private readonly everything: Value[] = [];
  private readonly remembered = new Map<string, readonly Value[]>();

  add(pattern: string, value: Value): void {
    this.valuesOf(parsePattern(pattern), true)!.push(value);
    this.remembered.clear();
  }

  /** Returns false when the value is not there. */
  remove(pattern: string, value: Value): boolean {
    const values = this.valuesOf(parsePattern(pattern), false);
    const place = values?.indexOf(value) ?? -1;
    if (place < 0) return false;
    values!.splice(place, 1);
    this.prune(this.root, pattern.split('.'), 0);
    this.remembered.clear();
    return true;
  }

  /** Returns the values of all patterns that match, each as often as it was added. The result must not be changed. */
  match(type: string): readonly Value[] {
    const known = this.remembered.get(type);
    if (known) return known;
    const found: Value[] = [...this.everything];
    collect(this.root, type.split('.'), 0, found);
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
    this.remembered.set(type, found);
    return found;
  }

  private valuesOf(segments: readonly string[], make: boolean): Value[] | undefined {
    if (segments.length === 1 && segments[0] === '*') return this.everything;
    let node = this.root;
    for (const segment of segments) {
      let next = node.children.get(segment);
      if (!next) {
        if (!make) return undefined;
        next = { children: new Map(), values: [] };
        node.children.set(segment, next);
      }
      node = next;
    }
    return node.values;
  }

  /** Removes nodes that hold nothing, so that subscriptions that come and go leave nothing behind. */
  private prune(node: Node<Value>, segments: readonly string[], depth: number): boolean {
    const child = depth < segments.length ? node.children.get(segments[depth]!) : undefined;
    if (child && this.prune(child, segments, depth + 1)) node.children.delete(segments[depth]!);
    return node.children.size === 0 && node.values.length === 0;
  }
}

function collect<Value>(node: Node<Value>, segments: readonly string[], depth: number, found: Value[]): void {
  if (depth === segments.length) {
    for (const value of node.values) found.push(value);
    return;
  }
  const named = node.children.get(segments[depth]!);
  if (named) collect(named, segments, depth + 1, found);
  const any = node.children.get('*');
  if (any) collect(any, segments, depth + 1, found);
}
