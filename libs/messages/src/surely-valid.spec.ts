import 'reflect-metadata';
import { IsString, Matches, ValidateIf, validateSync } from 'class-validator';
import fc from 'fast-check';
import { anAlert } from '@tocsin/contracts/testing';
import { ALERT_TYPES, CHANNELS, MESSAGE_STATUSES, SEVERITIES } from '@tocsin/contracts';
import { AlertMessage } from './alert-message';
import { parseAlertMessage } from './parse-alert-message';
import type { Envelope, Judgement } from './parsed-message';
import { surelyValid } from './surely-valid';

/** Values that are valid for a field, nearly valid, and of another type. */
const anything = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.array(fc.string()),
  fc.object(),
  fc.anything(),
);
const text = (limit: number) =>
  fc.oneof(
    fc.string({ maxLength: limit + 2 }),
    fc.integer({ min: limit - 1, max: limit + 1 }).map((length) => 'x'.repeat(length)),
    fc.constantFrom('', 'two\nlines', '👩‍👩‍👧‍👦'.repeat(limit >> 3)),
  );
const url = fc.oneof(
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc.constantFrom(
    'http://localhost:3000/x',
    'ftp://a.b',
    'javascript:alert(1)',
    'http://a b',
    '//x.y',
    `https://a.b/${'x'.repeat(2_000)}`,
  ),
);
const candidates: Record<string, fc.Arbitrary<unknown>> = {
  tenant_id: fc.constantFrom('bakery', 'a,b', ''),
  service: text(64),
  severity: fc.constantFrom(...SEVERITIES, 'URGENT', 'odd'),
  id: text(200),
  type: fc.constantFrom(...ALERT_TYPES, 'alarm'),
  name: text(100),
  title: text(300),
  message: text(8_000),
  dedup_key: text(200),
  status: fc.constantFrom(...MESSAGE_STATUSES, 'odd'),
  occurred_at: fc.oneof(
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constantFrom('2026-02-30T00:00:00Z', '2026-01-01', 'yesterday', '2026-W01'),
  ),
  labels: fc.oneof(fc.dictionary(fc.string(), fc.string(), { maxKeys: 34 }), fc.dictionary(fc.string(), fc.anything())),
  actions: fc.array(
    fc.oneof(
      fc.record({ label: text(100), url }, { requiredKeys: [] }),
      fc.record({ label: text(100), name: text(100) }),
      anything,
    ),
    { maxLength: 12 },
  ),
  recipients: fc.array(fc.oneof(text(320), fc.integer()), { maxLength: 102 }),
  channels: fc.array(fc.constantFrom(...CHANNELS, 'pager')),
  metadata: fc.object(),
  schema_version: fc.constantFrom(1, 2, '1'),
};
const fields = Object.keys(candidates);
/** A valid message in which up to three fields are replaced. */
const mutated = fc
  .uniqueArray(fc.constantFrom(...fields), { maxLength: 3 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) => fc.tuple(fc.constant(name), fc.oneof(candidates[name]!, candidates[name]!, anything))),
    ),
  )
  .map((changes) => ({ ...anAlert({ actions: [] }), ...Object.fromEntries(changes) }));

describe('an object that is surely valid', () => {
  it('is one in which class-validator finds no fault, for any values of its fields', () => {
    let sure = 0;
    let faulty = 0;
    fc.assert(
      fc.property(mutated, (values) => {
        const message = Object.assign(new AlertMessage(), values);
        const faults = validateSync(message, { forbidUnknownValues: true });
        if (surelyValid(message)) {
          sure += 1;
          expect(faults).toEqual([]);
        }
        if (faults.length > 0) faulty += 1;
      }),
      { numRuns: 1_000 },
    );
    // both kinds were generated, so the property above was tested
    expect(Math.min(sure, faulty)).toBeGreaterThan(50);
  });

  it('is true for every valid message, unless its actions are no instances of their class', () => {
    expect(surelyValid(Object.assign(new AlertMessage(), anAlert({ actions: [] })))).toBe(true);
    expect(surelyValid(Object.assign(new AlertMessage(), anAlert({ actions: [{ label: 'x' }] })))).toBe(false);
  });

  it('is false for a class with an unsupported rule, or with none at all', () => {
    class Conditional {
      @ValidateIf(() => true) @IsString() text = 'x';
    }
    class Grouped {
      @Matches(/x/, { validateIf: () => false }) text = 'y';
    }
    expect([surelyValid(new Conditional()), surelyValid(new Grouped()), surelyValid({})]).toEqual([true, false, false]);
  });
});

it('what the parser says is the same without the quick look: message, hash, code, pointers and words', () => {
  const slow = parserWithoutQuickLook();
  const envelopes: Envelope[] = [
    { message_id: 'm', timestamp: 1_759_399_200 },
    { message_id: 'm', routing_key: 'alert.high.orders', timestamp: 1_759_399_200 },
  ];
  let accepted = 0;
  fc.assert(
    fc.property(
      mutated,
      fc.constantFrom(...envelopes),
      fc.constantFrom<Judgement>('strict', 'lenient'),
      (body, envelope, judgement) => {
        const bytes = Buffer.from(JSON.stringify(body));
        const parsed = parseAlertMessage(bytes, envelope, judgement);
        if (parsed.ok) accepted += 1;
        expect(JSON.stringify(parsed)).toBe(JSON.stringify(slow(bytes, envelope, judgement)));
      },
    ),
    { numRuns: 1_000 },
  );
  expect(accepted).toBeGreaterThan(100);
});

function parserWithoutQuickLook(): typeof parseAlertMessage {
  let parse: typeof parseAlertMessage | undefined;
  jest.isolateModules(() => {
    jest.doMock('./surely-valid', () => ({ surelyValid: () => false }));
    ({ parseAlertMessage: parse } =
      jest.requireActual<typeof import('./parse-alert-message')>('./parse-alert-message'));
    jest.dontMock('./surely-valid');
  });
  return parse!;
}
