import { ask, type Answer, type Ask } from '../kit/http';
import type { AppProcess } from '../kit/processes';
import { SseStream, type OpenOptions } from '../kit/sse-client';
import { Stack, TENANT_SERVICE_TOKEN } from '../kit/stack';
import { JWT_SECRET, makeToken, nowSeconds } from '../kit/tokens';

const ISSUER = 'https://id.example.test/';
export const claims = (more: Record<string, unknown> = {}) => ({
  sub: 'ana',
  iss: ISSUER,
  aud: 'tocsin',
  iat: nowSeconds(),
  exp: nowSeconds() + 600,
  ...more,
});
export const without = (name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));
export const token = (more: Record<string, unknown> = {}): string => makeToken({ claims: claims(more) });
export const bearer = (value: string) => ({ Authorization: `Bearer ${value}` });
export const message = (more: Record<string, unknown> = {}) => ({
  id: `m-${Math.random()}`,
  tenant_id: 'bakery',
  service: 'inventory',
  severity: 'low',
  name: 'low_stock',
  ...more,
});

/** A stack that is asked wrongly. It keeps every response: none may reveal internals. */
export class AskedWrongly {
  private readonly answers: Answer[] = [];

  private constructor(readonly stack: Stack) {}

  static async open(): Promise<AskedWrongly> {
    const many = Array.from({ length: 33 }, (_, i) => `tenant-${i}`);
    return new AskedWrongly(
      await Stack.open({
        tenants: { ana: ['bakery'], many, nobody: [] },
        gatewayEnvironment: { JWT_ISSUER: ISSUER, JWT_AUDIENCE: 'tocsin', CORS_ORIGINS: 'https://app.example.test' },
      }),
    );
  }

  get gateway(): AppProcess {
    return this.stack.gateway;
  }

  answerTo = async (path: string, request: Ask = {}, from = this.gateway): Promise<Answer> => {
    const answer = await ask(from.url, path, request);
    this.answers.push(answer);
    return answer;
  };

  /** Opens a stream as an EventSource does, and expects a final refusal. */
  refusal = (query: string, headers: Ask['headers'] = {}, from = this.gateway): Promise<Answer> =>
    this.answerTo(`/api/events${query}`, { headers: { Accept: 'text/event-stream', ...headers } }, from);

  listening = async (options: OpenOptions = {}): Promise<SseStream> => {
    const stream = await SseStream.open(this.stack.eventsUrl(), { headers: bearer(token()), ...options });
    expect(stream.status).toBe(200);
    await stream.frame('connection');
    return stream;
  };

  /** Expects that no response so far, of which there are at least so many, and no log reveals internals. */
  expectNothingTold(atLeast: number): void {
    const { answers, stack } = this;
    expect(answers.length).toBeGreaterThan(atLeast);
    const inside =
      /node_modules|\.[jt]s:\d+|\bat [\w.<>]+ \(|select .* from|insert into|postgres|amqp|redis|127\.0\.0\.1|ECONN/i;
    expect(answers.filter(({ text }) => inside.test(text)).map(({ text }) => text)).toEqual([]);
    const secrets = [JWT_SECRET, TENANT_SERVICE_TOKEN, 'eyJ'];
    for (const secret of secrets) expect(stack.processes.output).not.toContain(secret);
    for (const { text } of answers.filter(({ status }) => status >= 400)) expect(text).not.toContain('eyJ');
  }

  async close(): Promise<void> {
    await this.stack.close();
  }
}

export function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.json.code, type: answer.headers['content-type'] }).toEqual({
    status,
    code,
    type: expect.stringMatching(/^application\/problem\+json/) as string,
  });
  expect(answer.json).toMatchObject({
    type: expect.any(String) as string,
    title: expect.any(String) as string,
    status,
  });
  expect(answer.headers['cache-control']).toContain('no-store');
}
