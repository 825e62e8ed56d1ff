import { decodeJson, MAX_MESSAGE_BYTES, NotDecoded, type Turns } from '@tocsin/messages';
import { Refused } from '@tocsin/contracts';
import { ListCutter, type Span } from './list-cutter';

/** A decoded body. Elements that are larger or hold more than any message may are `NotDecoded`. */
export interface SlicedJson {
  value: unknown;
  /** Whether text in it may hold what cannot be stored. */
  escapes: boolean;
}

/**
 * What JSON.parse may get at once: it cannot be interrupted, and takes longest for small values. 64 KiB of `{},{},…` are
 * 22,000 values and 8 ms; a text of 2 MiB is one value and 2 ms.
 */
const MAX_PIECE_VALUES = 40_000;
const MAX_PIECE_BYTES = 2 * 1024 * 1024;
/** What is around a list: labels and texts that its elements have in common. */
const MAX_FRAME_VALUES = 20_000;
/** An alert of 280 bytes, the shortest that are sent, so many times is the longest body. */
const MAX_GROUP = 30_000;

/**
 * A body of JSON of any size, decoded in slices. What is longer than one message must be a list, or an object whose
 * `alerts` is one, as Alertmanager sends it: the elements are decoded one by one.
 *
 * Throws `Refused`: what `decodeJson` says of the whole, `message_too_large` for what is no list, `batch_too_large` for a list
 * of more than `maxList`,
 * or a group of more than 30,000 alerts.
 */
export async function decodeInSlices(body: Buffer, maxList: number, turns: Turns): Promise<SlicedJson> {
  if (body.length <= MAX_MESSAGE_BYTES) return decode(body);
  const cutter = new ListCutter(body);
  for (let atEnd = false; !atEnd;) {
    atEnd = cutter.advance();
    const most = cutter.isGroup ? MAX_GROUP : maxList;
    if (cutter.elements && cutter.elements.length > most)
      throw new Refused('batch_too_large', `At most ${most} messages are accepted at once.`);
    if (turns.over) await turns.next();
  }
  const { elements, isGroup, frame, frameValues } = cutter;
  if (elements === undefined || frameValues > MAX_FRAME_VALUES || frame.length > MAX_PIECE_BYTES) {
    throw new Refused('message_too_large', `A message may be at most ${MAX_MESSAGE_BYTES} bytes.`);
  }
  const around = decode(frame);
  let { escapes } = around;
  const list: unknown[] = [];
  for (const element of elements) {
    const decoded = decodeElement(body, element);
    list.push(decoded.value);
    escapes ||= decoded.escapes;
    if (turns.over) await turns.next();
  }
  if (!isGroup) return { value: list, escapes };
  const value = around.value as { alerts?: unknown };
  // of two lists of one name the last counts, as for JSON.parse, and it may have been none
  if (Array.isArray(value.alerts)) value.alerts = list;
  return { value, escapes };
}

function decodeElement(body: Buffer, { start, end, values }: Span): SlicedJson {
  if (end - start > MAX_PIECE_BYTES || values > MAX_PIECE_VALUES)
    return { value: new NotDecoded(end - start), escapes: false };
  return decode(body.subarray(start, end));
}

function decode(bytes: Buffer): SlicedJson {
  const decoded = decodeJson(bytes, bytes.length);
  if (!decoded.ok) throw new Refused(decoded.code, decoded.detail);
  return decoded;
}
