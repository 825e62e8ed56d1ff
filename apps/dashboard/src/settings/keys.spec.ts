import { keyOf } from './keys';

const pressed = (key: string, more: Partial<KeyboardEvent> = {}) =>
  keyOf({ key, shiftKey: false, ctrlKey: false, metaKey: false, ...more } as KeyboardEvent);

test.each([
  [pressed('a'), 'a'],
  [pressed('A', { shiftKey: true }), 'Shift+a'],
  // caps lock does not change a letter's name
  [pressed('A'), 'a'],
  [pressed('?', { shiftKey: true }), '?'],
  [pressed('k', { ctrlKey: true }), 'Mod+k'],
  [pressed('k', { metaKey: true }), 'Mod+k'],
  [pressed('ArrowDown', { shiftKey: true }), 'Shift+ArrowDown'],
  [pressed('Escape'), 'Escape'],
])('%s is %s', (key, name) => expect(key).toBe(name));
