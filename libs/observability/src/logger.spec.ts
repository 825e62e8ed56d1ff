import { createLogger, NestLogger } from './logger';

function capture(level: 'debug' | 'info' = 'info') {
  const lines: string[] = [];
  const log = createLogger({
    app: 'gateway',
    version: '1.2.3',
    level,
    destination: { write: (line: string) => void lines.push(line) },
  });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

describe('the logger', () => {
  test('writes one line of JSON with the fixed fields', () => {
    const { log, lines, last } = capture();
    log.info({ tenant_id: 'acme', seq: 7, duration_ms: 3 }, 'stored\nforged line');
    expect(lines).toHaveLength(1);
    expect(lines[0]!.trimEnd()).not.toContain('\n');
    expect(last()).toMatchObject({
      level: 'info',
      app: 'gateway',
      version: '1.2.3',
      tenant_id: 'acme',
      seq: 7,
      duration_ms: 3,
      msg: 'stored\nforged line',
    });
    expect(new Date(last().ts as string).getTime()).toBeLessThanOrEqual(Date.now());
  });

  test('keeps the causes of an error and nothing else that a driver put into it', () => {
    const { log, last } = capture();
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', parameters: ['canary'] });
    log.error({ err: new Error('the store is away', { cause }) }, 'failed');
    expect(last().err).toMatchObject({ type: 'Error', message: 'the store is away', cause: { code: 'ECONNREFUSED' } });
    expect(JSON.stringify(last())).not.toContain('canary');
  });

  test('never lets a token through, wherever it hides', () => {
    const { log, lines } = capture('debug');
    const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLWNhbmFyeQ';
    log.info(
      {
        url: `/api/events?token=${token}`,
        req: { headers: { authorization: `Bearer ${token}`, cookie: `s=${token}` } },
      },
      `a request with ${token}`,
    );
    log.child({ token }).warn({ list: [[`Bearer ${token}`]], deep: { a: { b: { c: token } } } }, 'deep');
    log.fatal({ err: new Error(`cannot parse "${token}"`, { cause: new Error(`https://u:${token}@host/`) }) }, 'error');
    new NestLogger(log).error(`oops ${token}`, `Error: x\n    at ${token}`, 'Context');
    expect(lines).toHaveLength(4);
    expect(lines.join('')).not.toContain('c2lnbmF0dXJlLWNhbmFyeQ');
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  });

  test('writes messages of Nest with their context, and those about wiring at debug level only', () => {
    const { log, lines, last } = capture();
    const nest = new NestLogger(log);
    nest.log('TenantFeeds dependencies initialized', 'InstanceLoader');
    expect(lines).toHaveLength(0);
    nest.log('Nest application successfully started', 'NestApplication');
    expect(last()).toMatchObject({
      level: 'info',
      context: 'NestApplication',
      msg: 'Nest application successfully started',
    });
    nest.error('broken', 'Error: broken\n    at somewhere', 'Hooks');
    expect(last()).toMatchObject({ level: 'error', context: 'Hooks', stack: expect.stringContaining('somewhere') });
  });
});
