import { Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { AlertSource, type BatchOutcome, type HandleBatch, type ReceivedMessage } from '@tocsin/contracts/ports';
import { processorTransport } from './alert-processor.module';
import { AlertsController, AlertsServer } from './alerts.server';
import { IngestAlerts } from './ingest-alerts';

/** A source whose batches come from the test. */
class SourceByHand extends AlertSource {
  handle: HandleBatch | undefined;
  trouble: Error | undefined;
  stops = 0;
  get consuming(): boolean {
    return this.handle !== undefined;
  }
  async consume(handle: HandleBatch): Promise<void> {
    if (this.trouble) throw this.trouble;
    this.handle = handle;
  }
  async stop(): Promise<void> {
    this.handle = undefined;
    this.stops += 1;
  }
}

describe('alerts as a transport of Nest', () => {
  let source: SourceByHand;
  let ingest: jest.Mock<Promise<BatchOutcome>, [readonly ReceivedMessage[]]>;
  let app: INestMicroservice;
  beforeEach(async () => {
    source = new SourceByHand();
    ingest = jest.fn();
    @Module({
      controllers: [AlertsController],
      providers: [
        { provide: AlertSource, useValue: source },
        { provide: AlertsServer, useFactory: (of: AlertSource) => new AlertsServer(of), inject: [AlertSource] },
        { provide: IngestAlerts, useValue: { ingest } },
      ],
    })
    class App {}
    app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(App, {
      ...processorTransport,
      logger: false,
      abortOnError: false,
    });
  });
  afterEach(() => app.close());

  const batch: ReceivedMessage[] = [{ body: Buffer.from('{}'), redelivered: false }];

  it('opens nothing before it listens', async () => {
    await app.init();
    expect(source.consuming).toBe(false);
    await app.listen();
    expect(source.consuming).toBe(true);
  });

  it('hands the very same batch over, and gives back what became of it as a value', async () => {
    const outcomes: BatchOutcome[] = [
      { kind: 'settled', outcomes: [{ outcome: 'dead', reason: 'invalid_json', detail: 'no' }] },
      { kind: 'retry', reason: 'PostgreSQL cannot be reached' },
    ];
    await app.listen();
    for (const outcome of outcomes) {
      ingest.mockResolvedValueOnce(outcome);
      expect(await source.handle!(batch)).toBe(outcome);
    }
    expect(ingest.mock.calls[0]![0]).toBe(batch);
  });

  it('keeps the messages when the handler throws: Nest makes an answer for a client of it', async () => {
    await app.listen();
    ingest.mockRejectedValueOnce(new Error('unforeseen'));
    expect(await source.handle!(batch)).toEqual({ kind: 'retry', reason: 'The handler failed.' });
  });

  it('does not start when the source does not', async () => {
    source.trouble = new Error('no broker');
    await expect(app.listen()).rejects.toThrow('no broker');
  });

  it('stops the source when the app is closed', async () => {
    await app.listen();
    await app.close();
    expect(source.consuming).toBe(false);
    expect(source.stops).toBeGreaterThan(0);
  });
});
