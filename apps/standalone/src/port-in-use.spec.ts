import { createServer, type AddressInfo } from 'node:net';
import { explainPortInUse } from './port-in-use';

describe('a start whose port is in use', () => {
  const holder = createServer();
  let port: number;
  beforeAll(
    () =>
      new Promise<void>((resolve) => {
        holder.listen(0, () => {
          port = (holder.address() as AddressInfo).port;
          resolve();
        });
      }),
  );
  afterAll(() => new Promise((resolve) => holder.close(resolve)));

  const { argv } = process;
  afterEach(() => {
    process.argv = argv;
  });

  const explained = (words: string[]) => {
    process.argv = ['node', 'main.js', ...words];
    const taken = Object.assign(new Error('in use'), { code: 'EADDRINUSE' });
    return explainPortInUse({ PORT: port, ADMIN_PORT: 0 }, 'PORT', () => Promise.reject(taken));
  };

  test.each([
    { words: [], command: 'npm start' },
    { words: ['--called', 'tocsin'], command: 'tocsin start' },
    { words: ['--reset', '--json', '--called', 'tocsin'], command: 'tocsin start' },
  ])(
    'is told to type the command again that it was started with: $command, after $words',
    async ({ words, command }) => {
      await expect(explained(words)).rejects.toThrow(
        new RegExp(`^Port ${port} is in use( \\(pid ${process.pid}\\))?\\. PORT=\\d+ ${command}$`),
      );
    },
  );

  test('what failed for another reason is not explained', async () => {
    const other = new Error('another');
    await expect(explainPortInUse({ PORT: port, ADMIN_PORT: 0 }, 'PORT', () => Promise.reject(other))).rejects.toBe(
      other,
    );
  });
});
