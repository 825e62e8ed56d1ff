import { request as express, type Request, type Response } from 'express';
import type { VerifiedToken } from '@tocsin/auth';
import { Refused } from '@tocsin/contracts';
import type { VisibleTenants } from '../access/visible-tenants';
import { IntakeController } from './intake.controller';
import type { PublishEvents } from './publish-events';
import { readEvents, type PublishRequest } from './read-events';

/** Reads what a request publishes, and publishes nothing. */
const events = {
  publish: async (request: PublishRequest) => {
    const read = await readEvents(request, 65_536);
    return { messages: 'messages' in read ? read.messages : [], refused: [], dropped: 0 };
  },
};
const tenants = { publisher: () => () => true };
const controller = new IntakeController(events as unknown as PublishEvents, tenants as unknown as VisibleTenants);

async function idsOf(headers: Record<string, string>, body = ''): Promise<unknown> {
  const sent = { ...headers, 'content-length': String(body.length) };
  const request = Object.create(express, {
    headers: { value: sent },
    query: { value: { tenant: 'bakery' } },
    body: { value: body ? Buffer.from(body) : undefined },
  }) as Request;
  const response = { status: () => response } as unknown as Response;
  const token = { user_id: 'svc' } as VerifiedToken;
  try {
    const answer = await controller.publishEvents(request, response, token);
    return 'ids' in answer && answer.ids;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

const NAMED = { 'ce-id': '1', 'ce-source': '/ovens', 'ce-type': 'oven.cold' };
const EVENT = { 'ce-specversion': '1.0', 'ce-severity': 'high', ...NAMED };
const { 'ce-type': _type, ...WITHOUT_TYPE } = EVENT;
const JSON_TYPE = { 'content-type': 'application/json' };

test.each<[string, Record<string, string>, string, unknown]>([
  ['a CloudEvent in headers without data', EVENT, '', ['/ovens#1']],
  ['a CloudEvent in headers without data, as JSON', { ...EVENT, ...JSON_TYPE }, '', ['/ovens#1']],
  ['one that lacks an attribute', WITHOUT_TYPE, '', 'invalid_field'],
  [
    'one with data of a type that is not JSON',
    { ...EVENT, 'content-type': 'text/plain' },
    'cold',
    'unsupported_media_type',
  ],
  ['nothing', {}, '', 'unsupported_media_type'],
  ['nothing, as JSON', JSON_TYPE, '', 'invalid_json'],
])('%s is published or refused', async (_, headers, body, outcome) => {
  expect(await idsOf(headers, body)).toEqual(outcome);
});
