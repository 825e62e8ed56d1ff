import fc from 'fast-check';
import { aHint, anEntry } from '@tocsin/contracts/testing';
import { decodeHints, encodeHint, entryPasses, type StreamFilter } from '@tocsin/contracts';
import { controlFrame } from './control-frame';
import { EntryBatch } from './entry-batch';
import { read } from './testing/read-frames';
import { viewOf, type View } from './view';

const all: View = { form: 'named', passes: () => true };

it('a batch is one buffer a view, made once, with one whole frame an entry', () => {
  const hints = [1, 2, 3].map((seq) => aHint({ seq, severity: seq === 2 ? 'low' : 'urgent' }));
  const batch = new EntryBatch(hints);
  const { bytes, count } = batch.framesFor(all);
  expect(batch.framesFor(all).bytes).toBe(bytes);
  expect(count).toBe(3);
  expect(read(bytes).events).toEqual(
    hints.map((hint) => ({ id: `e1-${hint.seq}-abcdefgh`, event: 'inventory_alert', data: hint.data!.toString() })),
  );
  const urgent = batch.framesFor({ form: 'nameless', passes: ({ filter }) => filter.severity === 'urgent' });
  expect(read(urgent.bytes).events.map(({ id, event }) => [id, event])).toEqual([
    ['e1-1-abcdefgh', undefined],
    ['e1-3-abcdefgh', undefined],
  ]);
});

it('its id is the last line of a frame: a reader of lines that is cut off has no id of an entry that it lacks', () => {
  const frame = controlFrame('connection', {} as never, { id: 'e1-1-abcdefgh', retryMs: 1 });
  for (const text of [new EntryBatch([aHint({ seq: 1 })]).framesFor(all).bytes.toString(), frame])
    expect(text.indexOf('id: e1-1-abcdefgh\n\n')).toBe(text.length - 'id: e1-1-abcdefgh\n\n'.length);
});

const some = <T>(...values: T[]) => fc.option(fc.subarray(values, { minLength: 1 }));
const labels = fc.dictionary(fc.constantFrom('site', 'line', '__proto__'), fc.constantFrom('a', 'b', '"}'), {
  noNullPrototype: true,
});
const filters: fc.Arbitrary<StreamFilter> = fc.record({
  severity: some('urgent', 'low'),
  type: some('alert'),
  service: some('inventory', 'orders'),
  labels: fc.option(labels),
});

it('a view passes what its filter selects, independent of earlier views of the same batch', () => {
  const entry = fc.record({
    severity: fc.constantFrom('urgent' as const, 'low' as const),
    service: fc.constantFrom('inventory', 'sales'),
    labels,
  });
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 8 }),
      fc.array(filters, { minLength: 1, maxLength: 4 }),
      (entries, wishes) => {
        const batch = new EntryBatch(entries.map((one, i) => aHint({ seq: i + 1, ...one })));
        for (const filter of [...wishes, ...wishes]) {
          const expected = entries.flatMap((one, i) => {
            const has = Object.entries(filter.labels ?? {}).every(([key, value]) =>
              Object.entries(one.labels).some(([name, label]) => name === key && label === value),
            );
            return has &&
              (filter.severity?.includes(one.severity) ?? true) &&
              (filter.service?.includes(one.service) ?? true)
              ? [`e1-${i + 1}-abcdefgh`]
              : [];
          });
          expect(read(batch.framesFor(viewOf(filter, 'named')).bytes).events.map(({ id }) => id)).toEqual(expected);
        }
      },
    ),
  );
});

it('a view passes an entry live, as a hint brings it, and replayed, as the log has it, exactly where the whole entry passes', () => {
  const side = {
    severity: fc.constantFrom('urgent' as const, 'low' as const),
    type: fc.constantFrom('alert' as const, 'notification' as const),
    name: fc.constantFrom('cold', 'warm', null),
    labels,
  };
  const previous = fc.option(
    fc.record({ status: fc.constant('firing' as const), ...side }, { requiredKeys: ['status', 'severity'] }),
  );
  const wish = fc.record({
    severity: some('urgent', 'low'),
    type: some('alert', 'notification'),
    service: some('inventory', 'orders'),
    name: some('cold', 'warm'),
    labels: fc.option(labels),
  });
  fc.assert(
    fc.property(fc.array(fc.record({ ...side, previous }), { minLength: 1, maxLength: 8 }), wish, (entries, filter) => {
      const whole = entries.map((one, i) => anEntry({ seq: i + 1, ...one }));
      const live = whole.flatMap((entry) => decodeHints(encodeHint(aHint(entry)))!);
      for (const hints of [whole.map((entry) => aHint(entry)), live]) {
        const passing = read(new EntryBatch(hints).framesFor(viewOf(filter, 'named')).bytes).events.map(
          ({ data }) => (JSON.parse(data) as { seq: number }).seq,
        );
        expect(passing).toEqual(whole.filter((entry) => entryPasses(filter, entry)).map(({ seq }) => seq));
      }
    }),
  );
});

it("an entry's data is read for labels once a batch, and never where no stream asks for any", () => {
  const parse = jest.spyOn(JSON, 'parse');
  const batch = new EntryBatch([aHint({ seq: 1 }), aHint({ seq: 2 })]);
  const any = { severity: null, type: null, service: null, labels: null };
  batch.framesFor(viewOf({ ...any, severity: ['urgent'] }, 'named'));
  expect(parse).toHaveBeenCalledTimes(0);
  for (const site of ['north', 'south', 'west']) batch.framesFor(viewOf({ ...any, labels: { site } }, 'named'));
  expect(parse).toHaveBeenCalledTimes(2);
  parse.mockRestore();
});

it('an independent parser reads exactly what was written, for any text of an alert', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (titles) => {
      const hints = titles.map((title, i) => aHint({ seq: i + 1, title: title.toWellFormed() }));
      const { events } = read(new EntryBatch(hints).framesFor(all).bytes);
      expect(events.map(({ data }) => (JSON.parse(data) as { title: string }).title)).toEqual(
        titles.map((title) => title.toWellFormed()),
      );
    }),
    { numRuns: 300 },
  );
});

it('no frame holds a character that ends a line for Python, Java or .NET but not by the standard', () => {
  const text = 'a\u0085b\u2028c\u2029d\v\f\x1c\x1d\x1e';
  const entry = new EntryBatch([
    aHint({ seq: 1, title: text, message: text, labels: { [text]: text }, metadata: { [text]: [text] } }),
  ]);
  const connection = controlFrame('connection', {
    verdict: 'fresh',
    tenants: [{ tenant_id: 'a', name: text, verdict: 'fresh', missed: 0, reason: null, behind: 0, searched: null }],
    heartbeat_ms: 1,
    server_time: '',
  });
  for (const frame of [
    entry.framesFor(all).bytes.toString(),
    `${entry.bodiesFor('nameless')[0]!.bytes.toString()}\n`,
    connection,
  ]) {
    // eslint-disable-next-line no-control-regex -- what str.splitlines ends a line at, but for the line feed
    expect(frame).not.toMatch(/[\r\v\f\x1c-\x1e\u0085\u2028\u2029]/);
    expect(JSON.stringify(JSON.parse(read(frame).events[0]!.data))).toContain(JSON.stringify(text).slice(1, -1));
  }
});
