import { SseParser, type SseFrame } from './sse-parser';

const TEXT =
  '\uFEFF: a comment\r\nretry: 2500\nid: 1\r\nevent: inventory_alert\rdata: one\r\ndata: two €\r\n\r\nid: 2\n\ndata:no blank\ndata\ndata:  two\n\nevent: empty\n\nfoo: bar\nid: 3\0\nid\ndata: x\n\nid: 9\ndata: cut off';
const FRAMES: SseFrame[] = [
  { event: 'inventory_alert', data: 'one\ntwo €', id: '1' },
  { event: 'message', data: null, id: '2' },
  { event: 'message', data: 'no blank\n\n two', id: '2' },
  { event: 'message', data: 'x', id: '' },
];

function parse(...pieces: Uint8Array[]): { frames: SseFrame[]; parser: SseParser } {
  const [parser, decoder] = [new SseParser(), new TextDecoder()];
  return { frames: pieces.flatMap((piece) => parser.push(decoder.decode(piece, { stream: true }))), parser };
}

describe('the parser of the stream', () => {
  const bytes = new TextEncoder().encode(TEXT);

  it('reads lines, fields, comments, a byte order mark, ids and retries as the standard says, and no incomplete frame', () => {
    const { frames, parser } = parse(bytes);
    expect(frames).toEqual(FRAMES);
    expect(parser.retryMs).toBe(2_500);
  });

  it('reads the same wherever the bytes are cut: into two pieces at any byte, and byte by byte', () => {
    for (let at = 0; at <= bytes.length; at += 1)
      expect(parse(bytes.subarray(0, at), bytes.subarray(at)).frames).toEqual(FRAMES);
    expect(parse(...[...bytes].map((byte) => Uint8Array.of(byte))).frames).toEqual(FRAMES);
  });

  it.each(['1000x', '1.5', '-1', ''])('takes no retry of %j', (value) => {
    expect(parse(new TextEncoder().encode(`retry: ${value}\n\n`)).parser.retryMs).toBeUndefined();
  });

  it('keeps the id that it was opened with until a frame changes it', () => {
    expect(
      new SseParser('e1-7-abcdefgh').push('data: a\n\nid: e1-8-abcdefgh\ndata: b\n\n').map(({ id }) => id),
    ).toEqual(['e1-7-abcdefgh', 'e1-8-abcdefgh']);
  });

  it('ends a stream whose frame grows without end, with lines and without', () => {
    const endless = (line: string) => () => {
      const parser = new SseParser();
      for (let i = 0; i < 100; i += 1) parser.push(line);
    };
    expect(endless(`data: ${'x'.repeat(100_000)}\n`)).toThrow(RangeError);
    expect(endless('x'.repeat(100_000))).toThrow(RangeError);
  });
});
