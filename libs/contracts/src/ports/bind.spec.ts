import { bind } from './bind';

abstract class Bell {
  abstract ring(): string;
}
abstract class Rope {
  abstract readonly length: number;
}
class Tower extends Bell {
  constructor(
    private readonly rope: Rope,
    private readonly bells: Bell[] = [],
  ) {
    super();
  }
  ring = () => `${this.rope.length} m, ${this.bells.length} bells`;
}

describe('bind', () => {
  it('makes a provider for a port from what its tokens stand for, and leaves defaults to the constructor', () => {
    const provider = bind(Bell, Tower, Rope);
    expect([provider.provide, provider.inject]).toEqual([Bell, [Rope]]);
    expect(provider.useFactory({ length: 12 }).ring()).toBe('12 m, 0 bells');
  });

  it('does not compile with a port in the place of another, without one, or with what is no implementation', () => {
    // @ts-expect-error a bell is no rope
    bind(Bell, Tower, Bell);
    // @ts-expect-error a tower needs a rope
    bind(Bell, Tower);
    // @ts-expect-error a tower is no rope
    bind(Rope, Tower, Rope);
  });
});
