import { Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { bind } from '@tocsin/contracts/ports';
import { processorTransport } from './alert-processor.module';
import { AlertsController, AlertsServer } from './alerts.server';
import type { BatchMessage, BatchOutcome, HandleBatch } from './handle-batch';
import { IngestAlerts } from './ingest-alerts';
import { SourceLanes } from './source-lane/source-lanes';

/** Lanes that get their batches from the test. */
class LanesByHand implements Pick<SourceLanes, 'consume' | 'stop'> {
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
  let lanes: LanesByHand;
  let ingest: jest.Mock<Promise<BatchOutcome>, [readonly BatchMessage[]]>;
  let app: INestMicroservice;
  beforeEach(async () => {
    lanes = new LanesByHand();
    ingest = jest.fn();
    @Module({
      controllers: [AlertsController],
      providers: [
        { provide: SourceLanes, useValue: lanes },
        bind(AlertsServer, AlertsServer, SourceLanes),
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

  const batch: BatchMessage[] = [{ body: Buffer.from('{}'), redelivered: false }];

  it('opens nothing before it listens', async () => {
    await app.init();
    expect(lanes.consuming).toBe(false);
    await app.listen();
    expect(lanes.consuming).toBe(true);
  });

  it('hands over the very same batch, and returns its outcome as a value', async () => {
    const outcomes: BatchOutcome[] = [
      { kind: 'settled', outcomes: [{ outcome: 'dead', reason: 'invalid_json', detail: 'no' }] },
      { kind: 'retry', reason: 'PostgreSQL cannot be reached' },
    ];
    await app.listen();
    for (const outcome of outcomes) {
      ingest.mockResolvedValueOnce(outcome);
      expect(await lanes.handle!(batch)).toBe(outcome);
    }
    expect(ingest.mock.calls[0]![0]).toBe(batch);
  });

  it('keeps the messages when the handler throws, which Nest would turn into a reply for a client', async () => {
    await app.listen();
    ingest.mockRejectedValueOnce(new Error('unforeseen'));
    expect(await lanes.handle!(batch)).toEqual({ kind: 'retry', reason: 'The handler failed.' });
  });

  it('does not start when its source cannot start', async () => {
    lanes.trouble = new Error('no broker');
    await expect(app.listen()).rejects.toThrow('no broker');
  });

  it('stops the lanes when the app is closed', async () => {
    await app.listen();
    await app.close();
    expect(lanes.consuming).toBe(false);
    expect(lanes.stops).toBeGreaterThan(0);
  });
});
