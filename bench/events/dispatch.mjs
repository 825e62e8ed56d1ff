// How fast an event finds its handlers among many patterns, and how fast it is published whole.
import EventEmitter2 from 'eventemitter2';

const SECONDS = 0.4;
const TYPES = 200;
/** `public.entity7.*`, `*.entity7.create` and so on: each type matches the four patterns of its entity. */
const patternsOf = (count) =>
  Array.from({ length: count }, (_, number) => {
    const entity = `entity${Math.floor(number / 4)}`;
    return [`public.${entity}.*`, `*.${entity}.create`, `public.${entity}.create`, `*.${entity}.*`][number % 4];
  });
const types = Array.from({ length: TYPES }, (_, number) => `public.entity${number}.create`);

/** Calls of `emit` per second. */
function perSecond(emit) {
  for (let warm = 0; warm < 20_000; warm += 1) emit(types[warm % TYPES]);
  const since = performance.now();
  let count = 0;
  while (performance.now() - since < SECONDS * 1_000)
    for (let number = 0; number < 1_000; number += 1, count += 1) emit(types[count % TYPES]);
  return (count * 1_000) / (performance.now() - since);
}

function trieOf(library, count, handler) {
  const trie = new library.PatternTrie();
  for (const pattern of patternsOf(count)) trie.add(pattern, handler);
  return trie;
}

export function dispatchRows(library) {
  let heard = 0;
  const handler = () => {
    heard += 1;
  };
  const emitter = new EventEmitter2.EventEmitter2({ wildcard: true, maxListeners: 0 });
  for (const pattern of patternsOf(1_000)) emitter.on(pattern, handler);
  const dispatch = (count) => {
    const trie = trieOf(library, count, handler);
    return async () =>
      perSecond((type) => {
        for (const one of trie.match(type)) one(type);
      });
  };
  const checked = (name, measure) => async () => {
    heard = 0;
    const result = await measure();
    if (heard === 0) throw new Error(`${name} called no handler`);
    return result;
  };
  const rows = {
    'EventEmitter2: emit to 4 handlers': async () => perSecond((type) => emitter.emit(type, type)),
    'event broker: match and call 4 handlers': dispatch(1_000),
    'event broker: the same with 100,000 patterns': dispatch(100_000),
    'event broker: publish (stored, 4 handlers, completed)': () => published(library, handler),
  };
  return Object.fromEntries(Object.entries(rows).map(([name, measure]) => [name, checked(name, measure)]));
}

async function published(library, handler) {
  const broker = new library.EventBroker({ bufferSize: 100_000 });
  for (const pattern of patternsOf(1_000)) broker.subscribe(pattern, handler);
  await broker.start();
  const since = performance.now();
  let count = 0;
  while (performance.now() - since < SECONDS * 1_000) {
    const given = [];
    for (let number = 0; number < 1_000; number += 1, count += 1)
      given.push(broker.publish({ type: types[count % TYPES], payload: number }));
    await Promise.all(given);
  }
  await broker.stop();
  return (count * 1_000) / (performance.now() - since);
}
