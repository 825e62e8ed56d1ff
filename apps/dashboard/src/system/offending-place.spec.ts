import { offendingPlace, pointerIn } from './offending-place';

const marked = (body: string, detail: string): string | null => {
  const place = offendingPlace(body, detail);
  return place && body.slice(place.start, place.end);
};
const BODY = '{ "id": "a \\" }", "severity" : "sev1", "labels": {"a/b": [1, {"x~": null}]}, "n": -1.5e+3 }';

test.each([
  ['/severity: must be one of urgent, high, medium, low.', '"severity" : "sev1"'],
  ['/id: too long.', '"id": "a \\" }"'],
  ['/labels/a~1b/1/x~0: no.', '"x~": null'],
  ['/labels/a~1b/0: no.', '1'],
  ['/n: no.', '"n": -1.5e+3'],
])('%s marks the member that it names', (detail, text) => expect(marked(BODY, detail)).toBe(text));

test('a field that is missing, and a detail without a pointer, mark nothing', () => {
  expect(marked(BODY, '/service: This field is required.')).toBeNull();
  expect(marked(BODY, 'Another message is stored under this id.')).toBeNull();
});

test.each([
  ['not JSON', 'n'],
  ['{"a": 1,}', '}'],
  ['{"a" 1}', '1'],
  ['{"a": 1} x', 'x'],
  ["{'a': 1}", "'"],
])('%s marks the first character that cannot be read', (body, text) =>
  expect(marked(body, 'The body is not valid JSON.')).toBe(text),
);

test('a body that ends too early, or is as deep as an attack, marks nothing wrong', () => {
  expect(marked('{"a": [1', '')).toBeNull();
  expect(offendingPlace('['.repeat(60_000), '')).toMatchObject({ end: expect.any(Number) as number });
});

test('a pointer stands before the first colon that a space follows', () => {
  expect(pointerIn('/labels/a:b: no.')).toBe('/labels/a:b');
  expect(pointerIn('Not: a pointer')).toBeNull();
});
