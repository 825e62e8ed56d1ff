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

  test('is told to type its own command with another port', async () => {
    const taken = Object.assign(new Error('in use'), { code: 'EADDRINUSE' });
    const explained = explainPortInUse(
      { PORT: port, ADMIN_PORT: 0 },
      'PORT',
      () => Promise.reject(taken),
      'tocsin start',
    );
    await expect(explained).rejects.toThrow(
      new RegExp(`^Port ${port} is in use( \\(pid ${process.pid}\\))?\\. PORT=\\d+ tocsin start$`),
    );
  });

  test('what failed for another reason is not explained', async () => {
    const other = new Error('another');
    const explained = explainPortInUse({ PORT: port, ADMIN_PORT: 0 }, 'PORT', () => Promise.reject(other), 'npm start');
    await expect(explained).rejects.toBe(other);
  });
});
