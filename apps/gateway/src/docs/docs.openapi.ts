import { object, text } from './json-schema';
import type { Content, Operation, Paths } from './operation';

const html: Content = { description: 'A page.', types: ['text/html'], schema: text() };
const json: Content = { description: 'A document.', schema: { type: 'object' } };
const shared = { tag: 'documents', access: 'none' } as const;
const page = (id: string, summary: string): { get: Operation } => ({
  get: { ...shared, id, summary, answers: { 200: html } },
});
const document = (id: string, summary: string): { get: Operation } => ({
  get: { ...shared, id, summary, answers: { 200: json } },
});

export const DOCS_PATHS: Paths = {
  '/': {
    get: {
      ...shared,
      id: 'welcome',
      summary: 'The page for clients that accept text/html; for others a link to these documents',
      answers: {
        200: {
          description: 'The page, or a welcome.',
          types: ['application/json', 'text/html'],
          schema: { anyOf: [object<{ message: string; docs: string }>({ message: text(), docs: text() }), text()] },
        },
      },
    },
  },
  '/assets/{name}': {
    get: {
      ...shared,
      id: 'readPageAsset',
      summary: 'The files of the page; the name of each holds a hash of its contents',
      parameters: [{ name: 'name', in: 'path', description: "A file's name.", schema: text(), required: true }],
      answers: {
        200: { description: 'The file.', types: ['text/css', 'text/javascript', 'image/svg+xml'], schema: text() },
      },
      problems: ['not_found'],
    },
  },
  '/push-worker.js': {
    get: {
      ...shared,
      id: 'readPushWorker',
      summary: 'The service worker of the page, which shows alerts while the page is closed',
      answers: { 200: { description: 'The script.', types: ['text/javascript'], schema: text() } },
      problems: ['not_found'],
    },
  },
  '/docs': page('showApi', 'The documentation of this API, with a way to try it'),
  '/docs/openapi.json': document('readOpenApi', 'This API, for machines'),
  '/docs/events': page('showEvents', 'The messages over AMQP and in streams, for people'),
  '/docs/asyncapi.json': document('readAsyncApi', 'The messages over AMQP and in streams, for programs'),
  '/docs/errors': page('showErrors', 'Every error code, and what to do about it'),
  '/docs/assets/{name}': {
    get: {
      ...shared,
      id: 'readAsset',
      summary: 'The files of these pages',
      parameters: [{ name: 'name', in: 'path', description: "A file's name.", schema: text(), required: true }],
      answers: {
        200: { description: 'The file.', types: ['text/css', 'text/javascript', 'image/png'], schema: text() },
      },
      problems: ['not_found'],
    },
  },
};
