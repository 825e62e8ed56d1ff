import { anEntry } from '@tocsin/contracts/testing';
import { bodyOf, faultOf, MAX_TEMPLATE, SAMPLES, type TemplateView } from './index';

const HOSTILE = '"},"channel":"#all"\n\\u0022 </script> {{ data.title }} {% include "x" %}';
const view: TemplateView = {
  ...SAMPLES[0]![1],
  subject: HOSTILE,
  data: anEntry({ title: HOSTILE, labels: { room: HOSTILE }, message: null }),
};
const shown = (source: string) => JSON.parse(bodyOf(source, view)) as unknown;

describe('a body', () => {
  it.each([
    ['a text within quotes', '{"text": "Alert: {{ subject }}"}', { text: `Alert: ${HOSTILE}` }],
    ['a text with quotes of its own', '{"text": {{ data.title | json }}}', { text: HOSTILE }],
    ['an object', '{"labels": {{ data.labels | json }}}', { labels: { room: HOSTILE } }],
    ['an object within an object', '{"a": {{ data.previous | default: 0 }}}', { a: 0 }],
    ['a number', '{"n": {{ data.occurrences | default: 0 }}}', { n: 1 }],
    [
      'what is absent',
      '{"a": "{{ data.message }}{{ data.labels.none.of }}", "b": {{ data.message | json }}}',
      { a: '', b: null },
    ],
    ['a default', '{"room": "{{ data.labels.floor | default: \'none\' }}"}', { room: 'none' }],
    [
      'a choice',
      '{"level": "{% case severity %}{% when \'urgent\' %}critical{% else %}warning{% endcase %}"}',
      { level: 'critical' },
    ],
    [
      'a list',
      '[{% for label in data.labels %}{"name": "{{ label[0] }}", "value": "{{ label[1] }}"}{% unless forloop.last %},{% endunless %}{% endfor %}]',
      [{ name: 'room', value: HOSTILE }],
    ],
    ['the whole delivery', '{{ data | json }}', view.data],
    [
      'a text that is JSON itself',
      '{"text": "{{ data.labels | json }}"}'.replace('json', 'json | append: ""'),
      { text: JSON.stringify({ room: HOSTILE }) },
    ],
  ])('has %s', (_what, source, body) => {
    expect(faultOf(source)).toBeUndefined();
    expect(shown(source)).toEqual(body);
  });

  it('is the same for the same delivery', () => {
    expect(bodyOf('{"a": "{{ timestamp }}"}', view)).toBe(bodyOf('{"a": "{{ timestamp }}"}', view));
  });

  it('never says what a text of the alert wants to add to it', () => {
    const forms = [
      '{"a": "{{ X }}"}',
      '{"a": {{ X | json }}}',
      '{"a": "{{ X | upcase | downcase }}"}',
      '["{% echo X %}"]',
    ];
    for (const form of forms)
      for (const name of ['subject', 'data.title', 'data.labels.room']) {
        const source = form.replace('X', name);
        expect(Object.keys(shown(source) as object)).toHaveLength(1);
      }
  });
});

describe('a fault is found when a template is saved, with its line', () => {
  it.each([
    ['{"text":\n "{{ subject | jsn }}"}', 2, /undefined filter: jsn/],
    ['{"text":\n\n "{{ subject | raw }}"}', 3, /undefined filter: raw/],
    ['{"a": "{% if severity %}"}', 1, /not closed/],
    ['{\n"a": "{{ subject"}', 2, /not closed/],
    ['{\n"a": "{% include \'x\' %}"}', 2, /tag "include" not found/],
    ['{\n"a": "{% render \'x\' %}"}', 2, /tag "render" not found/],
    ['{\n"a": "{{ title }}"}', 2, /There is no title\./],
    ['{\n"a": "{{ data.titel }}"}', 2, /There is no data\.titel\. Did you mean "title"\?/],
    ['{"a":\n {{ subject }}}', 2, /The body of an alert with every field is not JSON there/],
    ['{"a": "x",\n}', 2, /not JSON/],
    ['{"a":\n "two\nlines"}', 2, /not JSON/],
    ['{"a": {% if data.note %}1{% endif %}}', 1, /The body of an alert with few fields is not JSON/],
    ['{% if data.notification_id %}oh{% else %}{}{% endif %}', 1, /The body of a notification is not JSON/],
    ['{}\n{% for i in (1..100000000) %}x{% endfor %}', 2, /memory alloc limit exceeded/],
    ['{}\n{% for i in (1..1000) %}{% for k in (1..1000) %}{{ k }}{% endfor %}{% endfor %}', 2, /limit exceeded/],
    [
      '{% assign a = "aaaaaaaaaaaaaaaa" %}\n{% for i in (1..30) %}{% assign a = a | append: a %}{% endfor %}{}',
      2,
      /limit exceeded/,
    ],
    [`"${'a'.repeat(MAX_TEMPLATE)}"`, 1, /at most 16384 characters/],
    ['', 1, /not JSON/],
  ] as const)('%#', (source, line, says) => {
    const fault = faultOf(source)!;
    expect(fault.message).toMatch(says);
    expect(fault.line).toBe(line);
    expect(fault.message).toMatch(new RegExp(`^Line ${line}, column [1-9]`));
  });
});

const list = (text: string) => `{% assign x = "${text}" | split: "," %}`;
describe('no template holds the event loop for long, and all that cannot end are refused', () => {
  // the first use loads the packages, which is not measured
  beforeAll(() => void faultOf('{{ title }}'));

  it.each([
    ['loops within loops', `${'{% for a in (1..2) %}'.repeat(380)}1${'{% endfor %}'.repeat(380)}`],
    [
      'loops without a body',
      `1${list('a,'.repeat(7_000))}{% for i in (1..9000) %}{% for j in x %}{% endfor %}{% endfor %}`,
    ],
    [
      'sorting',
      `1${list('c,b,a,'.repeat(2_000))}{% for i in (1..9000) %}{% assign y = x | sort_natural %}{% endfor %}`,
    ],
    ['dates', `1{% for i in (1..9000) %}{{ timestamp | date: "${'%Y'.repeat(500)}" | size }}{% endfor %}`],
    [
      'conditions of items',
      `1${list('a,'.repeat(6_000))}{% for i in (1..9000) %}{% assign y = x | where_exp: "i", "i == 1" %}{% endfor %}`,
    ],
    [
      'searches for an item',
      `1${list('a,'.repeat(6_000))}{% for i in (1..9000) %}{% assign y = x | find_exp: "i", "i == 1" %}{% endfor %}`,
    ],
    ['groups', `1${list('a,'.repeat(6_000))}{% for i in (1..9000) %}{% assign y = x | group_by: "a" %}{% endfor %}`],
    [
      'searches in a text',
      `1{% assign x = "${'a'.repeat(8_000)}" %}{% for i in (1..9000) %}{% if x contains "aab" %}{% endif %}{% endfor %}`,
    ],
    ['parts', '1{% for i in (1..9000) %}{% cycle 1,2 %}{% endfor %}'],
    ['brackets', '['.repeat(16_000)],
    ['expressions within expressions', `1{{ ${'('.repeat(3_000)}1..2${')'.repeat(3_000)} }}`],
  ])('%s', (_what, source) => {
    const costs = Array.from({ length: 3 }, () => {
      const before = process.cpuUsage();
      expect(faultOf(source)).toBeDefined();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    });
    // other threads of the process use its CPU time too: V8 compiles the test runner and collects its garbage
    expect(Math.min(...costs)).toBeLessThan(250);
  });
});

it('refuses no template for the time in which the machine suspends the process', () => {
  let now = 0;
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 1_000));
  try {
    expect(faultOf('{"text": "{{ subject }}"{% for name in (1..3) %}, "{{ name }}": 1{% endfor %}}')).toBeUndefined();
  } finally {
    clock.mockRestore();
  }
});
