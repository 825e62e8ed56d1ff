import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

// The folders of the gateway are rooms. This draws the imports between them, type imports included, and holds the
// drawing against the order that ARCHITECTURE.md lists. Lint sees circles of values between files; it does not see
// these.

const root = join(__dirname, '..');
const GATEWAY = join(root, 'apps/gateway/src');

/** From the ground up: a room imports from those before it alone. */
const ROOMS = [
  'http',
  'config',
  'request',
  'description',
  'body',
  'positions',
  'frames',
  'problems',
  'limits',
  'proxy',
  'access',
  'feeds',
  'live',
  'connect',
  'log',
  'alerts',
  'me',
  'session',
  'push',
  'providers',
  'intake',
  'notifications',
  'deliveries',
  'recipients',
  'webhooks',
  'dead-letters',
  'health',
  'links',
  'docs',
  'page',
  'composition',
];

/** Files that stand in no folder. */
const OUTSIDE: Record<string, string> = {
  'config.ts': 'config',
  'admission-settings.ts': 'config',
  'http-server.ts': 'composition',
  'adapters.ts': 'composition',
  'gateway.module.ts': 'composition',
  'stream-providers.ts': 'composition',
  'start-report.ts': 'composition',
  'main.ts': 'composition',
};

const roomOf = (file: string): string | undefined => (file.includes('/') ? file.split('/')[0] : OUTSIDE[file]);

/** A file's path below the gateway's `src`, and its text. Tests compose what they like and are not among them. */
type Files = ReadonlyMap<string, string>;

const gateway: Files = new Map(
  readdirSync(GATEWAY, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.tsx?$/.test(file) && !/\.spec\.tsx?$|(^|\/)testing\//.test(file))
    .map((file) => [file, readFileSync(join(GATEWAY, file), 'utf8')]),
);

interface Arrow {
  from: string;
  to: string;
}

/** What each file imports of the gateway's own: values and types, re-exports, `import()` and `require()`. */
function arrowsBetween(files: Files): Arrow[] {
  return [...files].flatMap(([from, text]) =>
    ts
      .preProcessFile(text, true, true)
      .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
      .map(({ fileName }) => ({ from, to: `${normalize(join(dirname(from), fileName))}.ts` })),
  );
}

/** A shortest way from a node back to it; undefined when there is none. */
function circleFrom(start: string, next: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const seen = new Set<string>();
  const ways = [[start]];
  for (const way of ways) {
    for (const to of next.get(way.at(-1)!) ?? []) {
      if (to === start) return way;
      if (!seen.has(to)) ways.push([...way, to]);
      seen.add(to);
    }
  }
  return undefined;
}

/** The circles that arrows form, each written from its first node in the alphabet. */
function circlesOf(arrows: readonly Arrow[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of arrows) next.set(from, (next.get(from) ?? new Set()).add(to));
  const written = [...next.keys()].flatMap((start) => {
    const way = circleFrom(start, next);
    if (!way) return [];
    const first = way.indexOf([...way].sort()[0]!);
    return [[...way.slice(first), ...way.slice(0, first), way[first]].join(' -> ')];
  });
  return [...new Set(written)];
}

/** Everything that is wrong with the rooms of these files; empty when nothing is. */
function faultsOf(files: Files, rooms: readonly string[] = ROOMS): string[] {
  const homeless = [...files.keys()].filter((file) => !rooms.includes(roomOf(file) ?? ''));
  const arrows = arrowsBetween(files);
  const between = arrows.filter(({ from, to }) => roomOf(from) !== roomOf(to));
  const upward = between.filter(({ from, to }) => rooms.indexOf(roomOf(from)!) < rooms.indexOf(roomOf(to)!));
  const drawn = between.map(({ from, to }) => ({ from: roomOf(from)!, to: roomOf(to)! }));
  return [
    ...homeless.map((file) => `no room: ${file}`),
    ...upward.map(({ from, to }) => `up: ${from} -> ${to}`),
    ...circlesOf(drawn).map((circle) => `circle of rooms: ${circle}`),
    ...circlesOf(arrows).map((circle) => `circle of files: ${circle}`),
  ];
}

describe("the gateway's rooms", () => {
  it('have no circle, and no arrow from a room to one that stands above it', () => {
    expect(faultsOf(gateway)).toEqual([]);
  });

  it('are all there, and ARCHITECTURE lists them in this order', () => {
    const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const section = page.split("## The gateway's rooms")[1]!.split('\n## ')[0]!;
    const listed = [...section.matchAll(/^\| `?([a-z-]+)`? \|/gm)].map(([, room]) => room).slice(1);
    expect(listed).toEqual(ROOMS);
    expect(new Set([...gateway.keys()].map(roomOf))).toEqual(new Set(ROOMS));
  });
});

describe('a planted breach', () => {
  const planted = (file: string, text: string) => faultsOf(new Map([...gateway, [file, text]]));

  it.each([
    `import { EventStream } from '../live/event-stream';`,
    `import type { EventStream } from '../live/event-stream';`,
    `import { type EventStream } from '../live/event-stream';`,
    `export { EventStream } from '../live/event-stream';`,
    `export * from '../live/event-stream';`,
    `const stream = await import('../live/event-stream');`,
    `import stream = require('../live/event-stream');`,
  ])('is named as an arrow up and as a circle: %s', (text) => {
    const faults = planted('positions/planted.ts', text);
    expect(faults).toContain('up: positions/planted.ts -> live/event-stream.ts');
    expect(faults).toContain('circle of rooms: live -> positions -> live');
  });

  it('of an arrow up is named where it closes no circle', () => {
    expect(planted('log/planted.ts', `import '../dead-letters/dead-letter-watch';`)).toEqual([
      'up: log/planted.ts -> dead-letters/dead-letter-watch.ts',
    ]);
  });

  it('of a circle is named for any order of the rooms', () => {
    const back = [...gateway, ['positions/planted.ts', `import '../live/event-stream';`]] as const;
    const turned = ROOMS.filter((room) => room !== 'live');
    turned.splice(turned.indexOf('positions'), 0, 'live');
    expect(faultsOf(new Map(back), turned)).toContain('circle of rooms: live -> positions -> live');
  });

  it('of a circle of types inside one room is named', () => {
    const files = new Map([
      ...gateway,
      ['log/one.ts', `import type { Two } from './two';`],
      ['log/two.ts', `import type { One } from './one';`],
    ]);
    expect(faultsOf(files)).toEqual(['circle of files: log/one.ts -> log/two.ts -> log/one.ts']);
  });

  it('of a room that is not listed is named', () => {
    expect(planted('helpers/planted.ts', '')).toEqual(['no room: helpers/planted.ts']);
    expect(planted('planted.ts', '')).toEqual(['no room: planted.ts']);
  });

  it('is none: a room that imports from one below it', () => {
    expect(planted('log/planted.ts', `import '../positions/cursor';\nimport './read-log';`)).toEqual([]);
  });
});
