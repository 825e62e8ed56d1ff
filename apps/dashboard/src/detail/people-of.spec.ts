import { peopleOf } from './people-of';

test('who had or took alerts is known, the most frequent first, and neither oneself nor an address', () => {
  const alerts = [
    { assignee: 'bob', actor: 'bob' },
    { assignee: 'cleo', actor: 'ana' },
    { assignee: null, actor: 'cleo' },
    { assignee: null, actor: 'email:kitchen@example.test' },
    { assignee: null, actor: 'sms:+4917000000' },
    { assignee: null, actor: null },
  ];
  expect(peopleOf(alerts, 'ana')).toEqual(['cleo', 'bob']);
  expect(peopleOf([], 'ana')).toEqual([]);
});
