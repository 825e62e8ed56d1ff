import { SseParser } from './sse-parser';

const parse = (...chunks: (string | Buffer)[]): SseParser => {
  const parser = new SseParser();
  for (const chunk of chunks) parser.push(Buffer.from(chunk as string));
  return parser;
};

describe('the parser of event streams', () => {
  it('reads a block whole, however it is cut into chunks', () => {
    const text = 'id: a-1-x\nretry: 10\nevent: alert\ndata: {"a":\ndata: "ü"}\n\n';
    const bytes = Buffer.from(text);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const { events, faults } = parse(bytes.subarray(0, cut), bytes.subarray(cut));
      expect(events).toEqual([{ event: 'alert', data: '{"a":\n"ü"}', lastEventId: 'a-1-x', id: 'a-1-x', retryMs: 10 }]);
      expect(faults).toEqual([]);
    }
  });

  it('drops a block that was not finished, and its id with it', () => {
    const { events, lastEventId } = parse('id: 1\ndata: a\n\nid: 2\ndata: b\n');
    expect(events).toHaveLength(1);
    expect(lastEventId).toBe('1');
  });

  it('keeps an id until another one comes, and calls an event without a name a message', () => {
    const { events } = parse('id: 1\ndata: a\n\ndata\n\n');
    expect(events.map(({ event, data, id, lastEventId }) => ({ event, data, id, lastEventId }))).toEqual([
      { event: 'message', data: 'a', id: '1', lastEventId: '1' },
      { event: 'message', data: '', id: undefined, lastEventId: '1' },
    ]);
  });

  it('takes CR and CRLF for ends of lines, also across chunks, and calls them out', () => {
    const { events, faults } = parse('data: a\r', '\n\r\ndata: b\r\r', 'data: c\n\n');
    expect(events.map(({ data }) => data)).toEqual(['a', 'b', 'c']);
    expect(faults).toContain('a line ends with CR');
  });

  it.each([
    ['id:\ndata: a\n\n', 'an empty id, which takes the cursor away'],
    ['id: a b\ndata: a\n\n', 'an id with a character that needs escaping somewhere'],
    ['id: 1\nid: 2\ndata: a\n\n', 'a block with two ids'],
    ['id: 1\n\n', 'a block without data, which no client sees'],
    ['event: error\ndata: a\n\n', 'an event called error'],
    ['retry: 1.5\ndata: a\n\n', 'a retry that is no number'],
    ['Data: a\n\n', 'an unknown field: Data'],
    ['\ufeffdata: a\n\n', 'the stream begins with a byte order mark'],
    [Buffer.from([0x64, 0xff, 0x0a]), 'a line is not UTF-8'],
  ])('finds fault with %j', (bytes, fault) => {
    expect(parse(bytes).faults).toContain(fault);
  });

  it('keeps comments apart from events', () => {
    const { comments, events, faults } = parse(': tocsin\n\n');
    expect({ comments, events, faults }).toEqual({ comments: [' tocsin'], events: [], faults: [] });
  });
});
