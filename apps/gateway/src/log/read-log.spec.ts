import type { Membership, StoredEvent, StreamHead, TenantId } from '@tocsin/contracts';
import { anEntry, aTenant } from '@tocsin/contracts/testing';
import type { VerifiedToken } from '@tocsin/auth';
import type { VisibleTenants } from '../access/visible-tenants';
import { ReadLog, type LogRead } from './read-log';

const [north, south] = [aTenant('north'), aTenant('south')];
const ANY: LogRead = {
  tenants: null,
  after: undefined,
  filter: { severity: null, type: null, service: null, labels: null },
  limit: 50,
};

/** Event logs of a few entries; the n-th has the fp `aaaaaaa<n>`, with n as one character. */
class Logs {
  readonly tenants = new Map<TenantId, { epoch: string; floor: number; entries: StoredEvent[] }>();
  reads = 0;

  fill(
    tenant: TenantId,
    count: number,
    { floor = 0, epoch = `e${tenant}`, severityOf = (_: number) => 'low' as 'low' | 'high' } = {},
  ): this {
    const entries = Array.from({ length: count }, (_, index) => {
      const seq = index + 1;
      return {
        epoch,
        seq,
        fp: fpOf(seq),
        prev_fp: null,
        entry: anEntry({ tenant_id: tenant, seq, severity: severityOf(seq), event_id: `${tenant} ${seq}` }),
      };
    });
    this.tenants.set(tenant, { epoch, floor, entries });
    return this;
  }

  heads(asked: readonly TenantId[]): Promise<StreamHead[]> {
    return Promise.resolve(
      asked.map((tenant_id) => ({
        ...this.position(tenant_id, this.of(tenant_id).entries.length),
        tenant_id,
        floor_seq: this.of(tenant_id).floor,
      })),
    );
  }

  startOf(tenant: TenantId) {
    return Promise.resolve(this.position(tenant, this.of(tenant).floor));
  }

  after(tenant: TenantId, seq: number, limit: number): Promise<StoredEvent[]> {
    this.reads += 1;
    const { entries, floor } = this.of(tenant);
    return Promise.resolve(entries.filter((event) => event.seq > seq && event.seq >= floor).slice(0, limit));
  }

  private of = (tenant: TenantId) => this.tenants.get(tenant)!;
  private position = (tenant: TenantId, seq: number) => ({
    epoch: this.of(tenant).epoch,
    seq,
    fp: seq === 0 ? '0' : fpOf(seq),
  });
}
const fpOf = (seq: number) => seq.toString(36).padStart(8, 'a');

function reader(logs: Logs) {
  const mine = [...logs.tenants.keys()].map((tenant_id): Membership => ({
    tenant_id,
    name: tenant_id,
    role: 'member',
  }));
  const log = new ReadLog(logs, { of: () => Promise.resolve(mine) } as unknown as VisibleTenants);
  return async (query: Partial<LogRead> = {}) => {
    const { events, next, cursor } = await log.page({} as VerifiedToken, { ...ANY, ...query });
    return { ids: events.map(({ event_id }) => event_id), next, cursor };
  };
}

it('is read page by page, one tenant after the other, and ends with the position of its end', async () => {
  const page = reader(new Logs().fill(north, 3).fill(south, 2));
  const first = await page({ limit: 2 });
  expect(first).toEqual({
    ids: ['north 1', 'north 2'],
    next: 'north=enorth-2-aaaaaaa2;south=esouth-0-0',
    cursor: first.next,
  });
  const second = await page({ limit: 2, after: first.next! });
  expect(second).toMatchObject({
    ids: ['north 3', 'south 1'],
    next: 'north=enorth-3-aaaaaaa3;south=esouth-1-aaaaaaa1',
  });
  const last = await page({ limit: 2, after: second.next! });
  expect(last).toEqual({ ids: ['south 2'], next: null, cursor: 'north=enorth-3-aaaaaaa3;south=esouth-2-aaaaaaa2' });
  expect(await page({ after: last.cursor })).toEqual({ ids: [], next: null, cursor: last.cursor });
  expect(await page({ tenants: ['south'], after: 'esouth-1-aaaaaaa1' })).toMatchObject({
    ids: ['south 2'],
    next: null,
  });
});

it('whose page is full with the last entry has no other page', async () => {
  expect(await reader(new Logs().fill(north, 2))({ limit: 2 })).toMatchObject({
    ids: ['north 1', 'north 2'],
    next: null,
  });
  expect(await reader(new Logs().fill(north, 0))()).toEqual({ ids: [], next: null, cursor: 'enorth-0-0' });
});

it('has what matched before or after a change, each side by itself', async () => {
  const logs = new Logs().fill(north, 3);
  const [, second, third] = logs.tenants.get(north)!.entries;
  Object.assign(second!.entry, {
    labels: { site: 'north' },
    severity: 'low',
    previous: { status: 'firing', severity: 'high', labels: { site: 'south' } },
  });
  Object.assign(third!.entry, {
    labels: { site: 'north' },
    type: 'alert',
    previous: { status: 'firing', severity: 'low', type: 'notification', name: 'cold' },
  });
  const page = async (filter: Partial<LogRead['filter']>) =>
    (await reader(logs)({ filter: { ...ANY.filter, ...filter } })).ids;
  expect(await page({ labels: { site: 'south' } })).toEqual(['north 2']);
  expect(await page({ labels: { site: 'south' }, severity: ['high'] })).toEqual(['north 2']);
  expect(await page({ labels: { site: 'north' }, severity: ['high'] })).toEqual([]);
  expect(await page({ type: ['notification'] })).toEqual(['north 3']);
  expect(await page({ name: ['cold'], type: ['notification'] })).toEqual(['north 3']);
  expect(await page({ name: ['cold'], type: ['alert'] })).toEqual([]);
});

it('begins behind what is deleted, and says so to a cursor from before', async () => {
  const page = reader(new Logs().fill(north, 5, { floor: 3 }));
  expect(await page()).toMatchObject({ ids: ['north 4', 'north 5'] });
  expect(await page({ after: 'enorth-3-aaaaaaa3' })).toMatchObject({ ids: ['north 4', 'north 5'] });
  await expect(page({ after: 'enorth-2-aaaaaaa2' })).rejects.toMatchObject({ code: 'cursor_expired' });
});

it.each([
  ['of another history', 'other-1-aaaaaaa1'],
  ['of an entry that is another by now', 'enorth-1-zzzzzzzz'],
  ['beyond the end', 'enorth-9-aaaaaaa9'],
  ['that is none', 'x'],
  ['of other tenants', 'south=esouth-1-aaaaaaa1'],
])('refuses a cursor %s', async (_, after) => {
  await expect(reader(new Logs().fill(north, 3))({ after })).rejects.toMatchObject({
    code: 'invalid_cursor',
    details: { errors: [{ parameter: 'after' }] },
  });
});

it('examines a limited number of entries for one page, however few pass, and continues after them', async () => {
  const logs = new Logs()
    .fill(north, 4_100, { severityOf: (seq) => (seq === 1 || seq === 4_050 ? 'high' : 'low') })
    .fill(south, 1);
  const page = reader(logs);
  const filter = { ...ANY.filter, severity: ['high'] };
  const first = await page({ filter });
  expect(first).toMatchObject({ ids: ['north 1'], next: `north=enorth-2000-${fpOf(2_000)};south=esouth-0-0` });
  expect(logs.reads).toBeLessThan(8);
  const second = await page({ filter, after: first.next! });
  expect(second.ids).toEqual([]);
  expect(await page({ filter, after: second.next! })).toMatchObject({ ids: ['north 4050'], next: null });
});
