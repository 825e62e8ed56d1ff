import { randomUUID } from 'node:crypto';
import type { AnnouncedProcess, ProcessDirectory } from '../ports';

interface OpenProcessDirectory {
  directory: ProcessDirectory;
  /** Makes what is known of a process this old. */
  age(instance: string, hours: number): Promise<void>;
  close(): Promise<void>;
}

const aProcess = (known: Partial<AnnouncedProcess> = {}): AnnouncedProcess => ({
  instance: randomUUID(),
  app: 'gateway',
  version: '1.2.3',
  commit: 'abc',
  started_at: '2026-01-01T00:00:00.000Z',
  ...known,
});

/** What every `ProcessDirectory` does. `open` gives an empty one. */
export function describeProcessDirectory(name: string, { open }: { open(): Promise<OpenProcessDirectory> }): void {
  describe(`${name} as a directory of processes`, () => {
    let opened: OpenProcessDirectory;
    beforeEach(async () => (opened = await open()));
    afterEach(() => opened?.close());

    it('shows each process once, by app, as it last announced itself', async () => {
      const { directory } = opened;
      const gateway = aProcess();
      await directory.announce(gateway);
      await directory.announce(aProcess({ app: 'alert-processor' }));
      const [, { heard_at: first }] = (await directory.heard()) as [unknown, { heard_at: string }];
      await directory.announce({ ...gateway, version: '1.2.4' });
      const { instance: _, ...said } = gateway;
      expect(await directory.heard()).toEqual([
        { ...said, app: 'alert-processor', heard_at: expect.any(String) as string },
        { ...said, version: '1.2.4', heard_at: expect.any(String) as string },
      ]);
      const [, { heard_at: second }] = (await directory.heard()) as [unknown, { heard_at: string }];
      expect(Date.parse(second)).toBeGreaterThan(Date.parse(first));
    });

    it('forgets one that ended, and keeps a silent one for a day', async () => {
      const { directory, age } = opened;
      const [ended, silent, lost] = [aProcess(), aProcess({ version: 'silent' }), aProcess({ version: 'lost' })];
      for (const one of [ended, silent, lost]) await directory.announce(one);
      await age(silent.instance, 23);
      await age(lost.instance, 25);
      await directory.leave(ended.instance);
      await directory.announce(aProcess({ version: 'here' }));
      expect((await directory.heard()).map(({ version }) => version)).toEqual(['here', 'silent']);
    });
  });
}
