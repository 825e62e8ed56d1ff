import type { LogPosition, TenantId } from '@tocsin/contracts';
import { aHint, aTenant } from '@tocsin/contracts/testing';
import { EntryBatch } from '../frames/entry-batch';
import { SharedBytes } from '../frames/gzip';
import { viewOf } from '../frames/view';
import { StreamPosition, type Place } from './stream-position';

const [north, harbour, third] = [aTenant('north'), aTenant('harbour'), aTenant('third')];
const at = (seq: number): LogPosition => ({ epoch: 'e1', seq, fp: seq === 0 ? '0' : 'abcdefgh' });
const id = (seq: number) => `e1-${seq}-${at(seq).fp}`;
const EVERYTHING = { severity: null, type: null, service: null, labels: null };
const URGENT = viewOf({ ...EVERYTHING, severity: ['urgent'] }, 'named');
const place = (tenant: TenantId, seq = 0): Place => ({ tenant, sent: at(seq) });
const following = (...places: Place[]) => {
  const position = new StreamPosition(URGENT);
  for (const one of places) position.follow(one);
  return position;
};
/** Entries of these severities, numbered from `first`. */
const batch = (severities: ('urgent' | 'low')[], first = 1) =>
  new EntryBatch(severities.map((severity, i) => aHint({ seq: first + i, severity })));
const idsIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, one]) => one);
const textOf = (pieces: readonly (string | SharedBytes)[]) =>
  pieces.map((piece) => (typeof piece === 'string' ? piece : piece.bytes.toString())).join('');

describe('a stream of one tenant', () => {
  it('moves past a batch even if none of it passes, and shares the frames with streams of the same view', () => {
    const [one, other] = [place(north), place(north)];
    const [position, level] = [following(one), following(other)];
    const entries = batch(['urgent', 'low', 'urgent', 'low']);
    const frames = position.advance(one, entries);
    expect(position.isAlone).toBe(true);
    expect([frames.count, idsIn(frames.bytes.toString())]).toEqual([2, [id(1), id(3)]]);
    expect(position.cursor()).toBe(id(4));
    expect(level.advance(other, entries)).toBe(frames);
  });

  it('moves over a batch of which nothing passes', () => {
    const one = place(north, 4);
    const position = following(one);
    expect(position.advance(one, batch(['low', 'low'], 5)).count).toBe(0);
    expect(position.cursor()).toBe(id(6));
  });
});

describe('a stream of several tenants', () => {
  it('names all of them in each id, and none further than what was passed before it', () => {
    const [one, two] = [place(north, 2), place(harbour, 7)];
    const position = following(one, two);
    expect([position.isAlone, position.cursor()]).toEqual([false, `north=${id(2)};harbour=${id(7)}`]);
    const frames = position.advanceWithIds(one, batch(['low', 'urgent', 'low', 'urgent', 'low'], 3));
    expect(frames.count).toBe(2);
    expect(idsIn(textOf(frames.pieces))).toEqual([4, 6].map((seq) => `north=${id(seq)};harbour=${id(7)}`));
    expect(position.cursor()).toBe(`north=${id(7)};harbour=${id(7)}`);
  });

  it('shares the bodies of its frames with others', () => {
    const [one, two] = [place(north), place(north)];
    const entries = batch(['urgent']);
    const bodyOf = (own: Place) => following(own, place(harbour)).advanceWithIds(own, entries).pieces[0];
    expect(bodyOf(one)).toBeInstanceOf(SharedBytes);
    expect(bodyOf(two)).toBe(bodyOf(one));
  });
});

describe('a tenant that a stream gives up', () => {
  it('stays in the cursor where the client stands in it, until it is taken up again', () => {
    const one = place(north);
    const position = following(one, place(harbour, 5));
    position.advanceWithIds(one, batch(['urgent']));
    expect(position.drop(north)).toBe(one);
    expect(position.drop(third)).toBeUndefined();
    expect(position.followed.map(({ tenant }) => tenant)).toEqual([harbour]);
    expect([position.keptOf(north), position.keptOf(harbour)]).toEqual([at(1), undefined]);
    expect([position.isAlone, position.cursor()]).toEqual([false, `harbour=${id(5)};north=${id(1)}`]);
    position.follow(place(north, 9));
    expect(position.keptOf(north)).toBeUndefined();
    expect(position.cursor()).toBe(`harbour=${id(5)};north=${id(9)}`);
  });

  it('gives way where the cursor has no room: those that left first go first, and none that is followed', () => {
    const position = following(place(north, 1));
    const left = Array.from({ length: 33 }, (_, i) => aTenant(`t${i}`));
    position.keep(new Map(left.map((tenant) => [tenant, at(1)])));
    expect(position.cursor().split(';')).toEqual([north, ...left.slice(2)].map((tenant) => `${tenant}=${id(1)}`));
    position.follow(place(harbour, 1));
    expect(position.cursor().split(';')).toEqual(
      [north, harbour, ...left.slice(3)].map((tenant) => `${tenant}=${id(1)}`),
    );
  });
});
