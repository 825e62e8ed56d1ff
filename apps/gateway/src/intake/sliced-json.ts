import { decodeJson, MAX_MESSAGE_BYTES, NotDecoded, type Turns } from '@tocsin/messages';
import { Refused } from '@tocsin/contracts';
import { EVENT_BODY } from '../body/body.interceptor';
import { ListCutter, type Span } from './list-cutter';

/** A decoded body. An element that is larger or holds more values than any message may is `NotDecoded`. */
interface SlicedJson {
  value: unknown;
  /** Whether text in it may contain characters that cannot be stored. */
  escapes: boolean;
}

/**
 * The most that JSON.parse gets at once: it cannot be interrupted, and many small values take longest. 64 KiB of
 * `{},{},…` are 22,000 values and 8 ms; a text of 2 MiB is one value and 2 ms.
 */
const MAX_PIECE_VALUES = 40_000;
const MAX_PIECE_BYTES = 2 * 1024 * 1024;
/** The most values around a list, such as labels and texts that its elements have in common, or in one event. */
const MAX_FRAME_VALUES = 20_000;
/** The most alerts in a group: the longest body divided by 280 bytes, the size of the shortest alert that is sent. */
const MAX_GROUP = 30_000;

/**
 * Decodes a JSON body of any size in slices. A body longer than one event must be a list, or an object whose `alerts`
 * is a list, as Alertmanager sends it: the elements are decoded one by one.
 *
 * Throws `Refused`: the errors of `decodeJson` for the whole, `message_too_large` for a body that is not a list and is
 * longer than one event or holds more than 20,000 values, `batch_too_large` for a list of more than `maxList` elements
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
  if (frameValues > MAX_FRAME_VALUES || frame.length > (elements ? MAX_PIECE_BYTES : EVENT_BODY)) {
    throw new Refused('message_too_large', `A message may be at most ${MAX_MESSAGE_BYTES} bytes.`);
  }
  const around = decode(frame);
  if (!elements) return around;
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
  // When two members have this name the last one counts, as in JSON.parse, and it may not be a list.
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
