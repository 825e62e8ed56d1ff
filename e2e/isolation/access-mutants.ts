import type { Patch } from '../faults/built-copy';

/** Who asks, of the access table's people; `scopeless` is a member whose token may publish and nothing else. */
export type Asker = 'revoked_tenant' | 'revoked_token' | 'foreign' | 'viewer' | 'scopeless';

/** A gateway with one check of a right taken out, and the row of the access table that must notice. */
export interface AccessMutant {
  name: string;
  patch: Patch;
  asker: Asker;
  operation: string;
}

const VISIBLE_TENANTS = 'apps/gateway/src/access/visible-tenants.js';
const RECIPIENTS = 'apps/gateway/src/recipients/recipients.controller.js';
const TOKEN_GUARD = 'libs/auth/src/token.guard.js';
const JUDGE_TOKEN = 'libs/auth/src/judge-token.js';
const PEER_PUBLISHER = 'apps/gateway/src/intake/peer-publisher.js';
const IDENTIFY_CLIENT = 'apps/gateway/src/connect/identify-client.js';

/**
 * A change of the patched code changes its patch too: a patch that does not apply is a failed test, never a skipped
 * one.
 */
export const ACCESS_MUTANTS: readonly AccessMutant[] = [
  {
    name: 'tenants that were revoked are visible',
    patch: {
      file: VISIBLE_TENANTS,
      search: 'return revoked.size === 0 ? mine : mine.filter(({ tenant_id })=>!revoked.has(tenant_id));',
      replace: 'return mine;',
    },
    asker: 'revoked_tenant',
    operation: 'listAlerts',
  },
  {
    name: 'a tenant of others may be asked for',
    patch: {
      file: VISIBLE_TENANTS,
      search: 'if (wanted && named.length < new Set(wanted).size)',
      replace: 'if (false)',
    },
    asker: 'foreign',
    operation: 'listAlerts',
  },
  {
    name: 'what was revoked may be published for',
    patch: { file: VISIBLE_TENANTS, search: '!revoked.has(tenant) && (', replace: '(' },
    asker: 'revoked_tenant',
    operation: 'publishEvents',
  },
  {
    name: 'a topic asks for no right to publish',
    patch: {
      file: 'apps/gateway/src/intake/topics.controller.js',
      search: '|| !this.tenants.publisher(token)(topic)',
      replace: '',
    },
    asker: 'revoked_tenant',
    operation: 'publishToTopic',
  },
  {
    name: 'every role acts',
    patch: { file: VISIBLE_TENANTS, search: 'role.toLowerCase() !== VIEWER', replace: 'true' },
    asker: 'viewer',
    operation: 'discardDeadLetter',
  },
  {
    name: 'an act asks for no role',
    patch: {
      file: 'apps/gateway/src/alerts/act-on-alerts.js',
      search: 'acting: (0, _visibletenants.idsOf)(mine.filter(_visibletenants.mayAct))',
      replace: 'acting: (0, _visibletenants.idsOf)(mine)',
    },
    asker: 'viewer',
    operation: 'actOnAlert',
  },
  {
    name: 'the recipients of a tenant are read without a membership',
    patch: { file: RECIPIENTS, search: 'await this.tenants.in(token, tenant);', replace: '' },
    asker: 'foreign',
    operation: 'readRecipients',
  },
  {
    name: 'recipients are replaced without a role',
    patch: { file: RECIPIENTS, search: 'this.tenants.actingIn(', replace: 'this.tenants.in(' },
    asker: 'viewer',
    operation: 'replaceRecipients',
  },
  {
    name: 'a webhook is changed without a role',
    patch: {
      file: 'apps/gateway/src/webhooks/webhooks.controller.js',
      search: 'return this.tenants.actingOn(token,',
      replace: 'return (0, _visibletenants.idsOf)(await this.tenants.of(token)); void (',
    },
    asker: 'viewer',
    operation: 'changeWebhook',
  },
  {
    name: 'no scope is asked for',
    patch: { file: JUDGE_TOKEN, search: 'requireScopes(token, needed);', replace: '' },
    asker: 'scopeless',
    operation: 'listAlerts',
  },
  {
    name: 'a revoked token is as good as another',
    patch: { file: JUDGE_TOKEN, search: 'if (revocations.isRevoked(token))', replace: 'if (false)' },
    asker: 'revoked_token',
    operation: 'listAlerts',
  },
  {
    name: 'the guard does not judge the token',
    patch: { file: TOKEN_GUARD, search: '(0, _judgetoken.judgeToken)(', replace: 'void (' },
    asker: 'revoked_token',
    operation: 'listAlerts',
  },
  {
    name: 'a stream does not judge the token',
    patch: { file: IDENTIFY_CLIENT, search: '(0, _auth.judgeToken)(', replace: 'void (' },
    asker: 'revoked_token',
    operation: 'streamEvents',
  },
  {
    name: 'the intake of another system does not judge the token',
    patch: { file: PEER_PUBLISHER, search: '(0, _auth.judgeToken)(', replace: 'void (' },
    asker: 'revoked_token',
    operation: 'createOpsgenieAlert',
  },
];
