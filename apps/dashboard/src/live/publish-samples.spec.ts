import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { publishSamples } from './publish-samples';

const run = promisify(execFile);
const TOKEN = 'eyJh.eyJz.c2ln';

/** How each sample is pasted. */
const PASTED: Record<string, (code: string) => [string, string[]]> = {
  curl: (code) => ['sh', ['-c', code]],
  Node: (code) => [process.execPath, ['--input-type=module', '-e', code]],
  Python: (code) => ['python3', ['-c', code]],
};

test.each(Object.keys(PASTED))(
  'the copied sample in %s publishes as it is pasted',
  async (name) => {
    const heard: { request: IncomingMessage; body: string }[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        heard.push({ request, body });
        response.writeHead(202).end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const [command, args] = PASTED[name]!(publishSamples(origin, 'north-bakery', TOKEN)[name]!);
      await run(command, args, { timeout: 20_000, env: { PATH: process.env.PATH } });
      expect(heard).toHaveLength(1);
      const [{ request, body }] = heard as [(typeof heard)[0]];
      expect([request.method, request.url]).toEqual(['POST', '/api/v1/events']);
      expect(request.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' });
      expect(JSON.parse(body)).toEqual({
        tenant_id: 'north-bakery',
        service: 'inventory',
        severity: 'urgent',
        title: 'Flour is low',
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
  30_000,
);
