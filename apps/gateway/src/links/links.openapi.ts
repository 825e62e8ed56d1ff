import { text } from '../docs/json-schema';
import {
  pathParameter,
  queryParameter,
  TRACEPARENT,
  type Content,
  type Operation,
  type Paths,
} from '../docs/operation';

const page = (description: string): Content => ({ description, types: ['text/html'], schema: text() });
const token = pathParameter('token', text(), 'The signed token of the link: the only credential.');
const shared = {
  tag: 'links',
  access: 'none',
  problems: ['store_unavailable', 'rate_limited'],
} as const satisfies Partial<Operation>;
const REFUSED = {
  404: page('A page: the link is not valid.'),
  410: page('A page: the link has expired, or its alert is no longer kept.'),
};

export const LINK_PATHS: Paths = {
  '/a/{token}': {
    get: {
      ...shared,
      id: 'showAcknowledgement',
      summary: 'Where the link of a message leads: a page with a button. Changes nothing',
      parameters: [token],
      answers: { 200: page('The page; without a button when nothing is to be acknowledged any more.'), ...REFUSED },
    },
    post: {
      ...shared,
      id: 'acknowledgeByLink',
      summary: "Acknowledges the alert as the message's recipient, once. No body is read",
      parameters: [token, TRACEPARENT],
      answers: {
        200: page('A page: it is acknowledged by this recipient.'),
        409: page('A page: the alert is over, or somebody else has acknowledged it.'),
        ...REFUSED,
      },
    },
  },
  '/u/{token}': {
    get: {
      ...shared,
      id: 'showSubscription',
      summary: 'Where the unsubscribe link of a message leads: a page with a button. Changes nothing',
      parameters: [token],
      answers: { 200: page('The page.'), ...REFUSED },
    },
    post: {
      ...shared,
      id: 'unsubscribe',
      summary: 'Unsubscribes the recipient from this tenant, in one click (RFC 8058). No body is read',
      parameters: [token, queryParameter('again', text(), 'Subscribes again instead, whatever its value.')],
      answers: { 200: page('A page with the button that takes it back.'), ...REFUSED },
    },
  },
};
