import { HintOutage } from './hint-outage';

it('an outage is told once when it begins and once when it is over, and a return is counted', () => {
  const told: string[] = [];
  let returns = 0;
  const say = (_: object, message: string) => void told.push(message);
  const outage = new HintOutage(
    'hints do not arrive: the bus is away',
    { inc: () => (returns += 1) },
    { info: say, warn: say },
  );
  outage.note(true);
  expect(told).toEqual([]);
  for (const arriving of [false, false, true, true]) outage.note(arriving);
  expect(told).toEqual(['hints do not arrive: the bus is away', 'hints arrive again']);
  expect(returns).toBe(1);
});
