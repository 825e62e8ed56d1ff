import type { StreamStatus } from '@tocsin/react-client';
import type { Words } from '../words/words';
import { announced, pillOf } from './pill-words';

const NOW = 1_000_000;
const t = ((id: string, { span = '' }: { span?: string } = {}) => `${id} ${span}`.trim()) as Words;
const said = (status: StreamStatus) =>
  pillOf(status, { paused: false, fresh: 0, now: NOW, t, span: (ms) => `${ms / 1_000} s` }).words;
const stale = { state: 'stale', since: NOW - 5_000, knownUntil: NOW - 45_000 } as StreamStatus;

it('says that a server is not heard only when it is not', () => {
  const silent: StreamStatus = { ...stale, reason: 'network' };
  expect([said(silent), announced(silent)]).toEqual(['pill.stale 45 s', 'error.network']);
  const unchecked: StreamStatus = { ...stale, reason: 'log_unchecked' };
  expect([said(unchecked), announced(unchecked)]).toEqual(['pill.unchecked 45 s', 'error.unchecked']);
});
