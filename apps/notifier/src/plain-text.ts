/**
 * The characters that are removed from every text: control characters (a CR or LF would begin another header),
 * characters that change the direction of the text or have no width (they make a text look like another one), and
 * characters that only tag or annotate. The joiners of emoji and Persian (U+200C, U+200D) remain.
 */
const HARMFUL =
  /[\p{Cc}\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;
const LINE_ENDS = /\r\n?|[\n\v\f\u0085\u2028\u2029]/g;
/** The most marks on one letter. More than any script needs would cover the lines above and below. */
const PILED_MARKS = /(\p{M}{5})\p{M}+/gu;

/** Puts a text on one line, safe in a header, a subject and a table. Joins blanks and replaces lone surrogates. */
export function oneLine(text: string): string {
  return safe(text.replace(LINE_ENDS, ' ').replaceAll('\t', ' ')).replace(/\s+/gu, ' ').trim();
}

/**
 * Keeps the lines of a text; they end in LF. At most one line in a row is empty, so that no text is pushed out of
 * sight.
 */
export function manyLines(text: string): string {
  const lines = text
    .replace(LINE_ENDS, '\n')
    .replaceAll('\t', '  ')
    .split('\n')
    .map((line) => safe(line).trimEnd());
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/^\n+|\n+$/g, '');
}

const safe = (text: string): string => text.toWellFormed().replace(HARMFUL, '').replace(PILED_MARKS, '$1');

/** Cuts a text to at most `most` UTF-16 code units, as SMS and most providers count. A cut text ends in an ellipsis. */
export function cutTo(most: number, text: string): string {
  if (text.length <= most) return text;
  let cut = '';
  for (const { segment } of GRAPHEMES.segment(text.slice(0, most + LONGEST_GRAPHEME))) {
    if (cut.length + segment.length > most - 1) break;
    cut += segment;
  }
  return most < 1 ? '' : `${cut.trimEnd()}…`;
}

/** A text is cut only between graphemes, so that no emoji and no letter is cut in its middle. */
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
const LONGEST_GRAPHEME = 64;
