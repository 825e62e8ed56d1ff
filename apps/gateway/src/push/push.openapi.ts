import { ref } from '../docs/json-schema';
import { BODY_PROBLEMS, TENANT_PROBLEMS, type Paths } from '../docs/operation';
import { parametersIn, schemaOf } from '../docs/request-schema';
import { PushBrowserQuery, PushSubscribeBody } from './push-body';

const shared = { tag: 'push', access: ['alerts:read'] } as const;
const answers = {
  200: { description: "The key to subscribe with, and the user's browsers.", schema: ref('PushState') },
};

export const PUSH_PATHS: Paths = {
  '/api/v1/push': {
    get: {
      ...shared,
      id: 'showPush',
      summary: "The user's browsers that get push messages",
      answers,
      problems: TENANT_PROBLEMS,
    },
    put: {
      ...shared,
      id: 'subscribeToPush',
      summary: 'Subscribe a browser to push messages, or renew it',
      description:
        'A browser belongs to the user who subscribed it last. Without another call it is forgotten after 60 days.',
      body: { description: "The browser's subscription.", required: true, schema: schemaOf(PushSubscribeBody) },
      answers,
      problems: [...BODY_PROBLEMS, 'empty_batch', 'batch_too_large', 'not_found', ...TENANT_PROBLEMS],
    },
    delete: {
      ...shared,
      id: 'unsubscribeFromPush',
      summary: "Unsubscribe one of the user's browsers",
      parameters: parametersIn(PushBrowserQuery).map((parameter) => ({ ...parameter, required: true })),
      answers,
      problems: ['invalid_parameter', 'not_found', ...TENANT_PROBLEMS],
    },
  },
};
