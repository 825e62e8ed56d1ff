import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { GatewayConfig } from './config';
import { openHttp } from './http-server';
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
