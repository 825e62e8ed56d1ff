import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { eventually } from '@tocsin/contracts/testing';
import { GatewayConfig } from './config';
import { SpansInMemory } from '@tocsin/observability/testing';
import { openHttp, prepareHttp } from './http-server';
import { provideRequestCheck } from './request/before-request';
import { StreamDoor } from './connect/stream-door';
import { OpenApiDocument } from './docs/openapi.docs';

test.each([
  [true, 1],
  [false, 0],
])('with STREAM_DOOR at %s, %i reader stands before node:http', async (STREAM_DOOR, readers) => {
  const standBefore = jest.fn();
  @Module({
    providers: [
      { provide: GatewayConfig, useValue: { STREAM_DOOR } },
      { provide: StreamDoor, useValue: { standBefore } },
      OpenApiDocument,
    ],
  })
  class Gateway {}
  const app = await NestFactory.create<NestExpressApplication>(Gateway, { logger: false, forceCloseConnections: true });
  try {
    const port = await openHttp(app, 0);
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    expect(standBefore).toHaveBeenCalledTimes(readers);
  } finally {
    await app.close();
  }
});

it('records the requests of its API below the base path, and none beside it', async () => {
  const spans = new SpansInMemory();
  @Module({ providers: [provideRequestCheck()] })
  class Gateway {}
  const app = await NestFactory.create<NestExpressApplication>(Gateway, { logger: false, bodyParser: false });
  try {
    prepareHttp(app, { CORS_ORIGINS: [], BASE_PATH: '/tocsin' }, spans);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    for (const path of ['/api/v1/alerts', '/tocsin/docs']) await fetch(url + path);
    await fetch(`${url}/tocsin/api/v1/alerts`, { method: 'POST' });
    await eventually(() => expect(spans.ended.map(({ name }) => name)).toEqual(['POST']));
  } finally {
    await app.close();
  }
});
