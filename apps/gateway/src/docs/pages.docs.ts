import { applyDecorators } from '@nestjs/common';
import { object, text } from '../description/json-schema';
import { Answer, ApiOperation, PathParameter, Problems } from '../description/operation.docs';

const page = (summary: string) =>
  applyDecorators(ApiOperation({ summary }), Answer(200, 'A page.', text(), ['text/html']));
const document = (summary: string) =>
  applyDecorators(ApiOperation({ summary }), Answer(200, 'A document.', { type: 'object' }));
const files = (summary: string, types: string[]) =>
  applyDecorators(
    ApiOperation({ summary }),
    PathParameter('name', text(), "A file's name."),
    // the manifest is JSON
    Answer(200, 'The file.', { anyOf: [text(), { type: 'object' }] }, types),
    Problems('not_found'),
  );

export const welcome = applyDecorators(
  ApiOperation({ summary: 'The page for clients that accept text/html; for others a link to these documents' }),
  Answer(
    200,
    'The page, or a welcome.',
    { anyOf: [object<{ message: string; docs: string }>({ message: text(), docs: text() }), text()] },
    ['application/json', 'text/html'],
  ),
);
export const readPageAsset = files('The files of the page; the name of each holds a hash of its contents', [
  'text/css',
  'text/javascript',
  'image/svg+xml',
  'image/png',
  'application/manifest+json',
]);
export const readPushWorker = applyDecorators(
  ApiOperation({ summary: 'The service worker of the page, which shows alerts while the page is closed' }),
  Answer(200, 'The script.', text(), ['text/javascript']),
  Problems('not_found'),
);
export const showEmbedPreview = applyDecorators(
  page('A preview of the inbox for other frontends, with the code for it'),
  Problems('not_found'),
);
export const showApi = page('The documentation of this API, with a way to try it');
export const readOpenApi = document('This API, for machines');
export const showEvents = page('The messages over AMQP and in streams, for people');
export const readAsyncApi = document('The messages over AMQP and in streams, for programs');
export const showErrors = page('Every error code, and what to do about it');
export const showGuide = applyDecorators(
  page('The guide: installing, using and operating Tocsin'),
  Problems('not_found'),
);
export const readGuidePage = applyDecorators(
  ApiOperation({ summary: 'A page of the guide' }),
  PathParameter('name', text(), "The page's name, such as install."),
  Answer(200, 'The page.', text(), ['text/html']),
  Problems('not_found'),
);
export const readAsset = files('The files of these pages', [
  'text/css',
  'text/javascript',
  'image/svg+xml',
  'font/woff2',
]);
