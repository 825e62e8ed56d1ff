import { applyDecorators } from '@nestjs/common';
import { text } from '../description/json-schema';
import {
  Answer,
  ApiOperation,
  PathParameter,
  Problems,
  QueryParameter,
  TakesTraceparent,
} from '../description/operation.docs';

const page = (status: number, description: string) => Answer(status, description, text(), ['text/html']);
const ofLink = (summary: string) =>
  applyDecorators(
    ApiOperation({ summary }),
    PathParameter('token', text(), 'The signed token of the link: the only credential.'),
    page(404, 'A page: the link is not valid.'),
    page(410, 'A page: the link has expired, or its alert is no longer kept.'),
    Problems('store_unavailable', 'rate_limited'),
  );

export const showAcknowledgement = applyDecorators(
  ofLink('The page that the link of a message opens, with a button. Changes nothing'),
  page(200, 'The page, without a button when the alert no longer needs to be acknowledged.'),
);

export const acknowledgeByLink = applyDecorators(
  ofLink("Acknowledges the alert as the message's recipient, once. No body is read"),
  TakesTraceparent(),
  page(200, 'A page: it is acknowledged by this recipient.'),
  page(409, 'A page: the alert is over, or another recipient has acknowledged it.'),
);

export const showSubscription = applyDecorators(
  ofLink('The page that the unsubscribe link of a message opens, with a button. Changes nothing'),
  page(200, 'The page.'),
);

export const unsubscribe = applyDecorators(
  ofLink('Unsubscribes the recipient from this tenant, in one click (RFC 8058). No body is read'),
  QueryParameter({ name: 'again', schema: text(), description: 'With any value: subscribes again instead.' }),
  page(200, 'A page with the button that undoes it.'),
);
