import type { EndpointFailure, EndpointInUse, WebhookEndpoints } from '@tocsin/contracts/ports';
import type { EndpointDisabledReason } from '@tocsin/contracts/wire';

export const SECRET = `whsec_${Buffer.from('a-secret-of-these-tests-0123456').toString('base64')}`;

/** The part of `WebhookEndpoints` that a channel uses: one endpoint for every address. It keeps its calls. */
export class OneEndpoint implements Pick<WebhookEndpoints, 'use' | 'succeeded' | 'failed'> {
  readonly used: string[] = [];
  successes = 0;
  readonly failures: EndpointFailure[] = [];
  endpoint: EndpointInUse = {
    endpoint_id: 'e-1',
    format: null,
    template: null,
    headers: {},
    secrets: [SECRET],
    disabled: false,
    failing: false,
  };

  async use(_tenant: string, url: string): Promise<EndpointInUse> {
    this.used.push(url);
    return this.endpoint;
  }
  async succeeded(): Promise<void> {
    this.successes += 1;
    this.endpoint = { ...this.endpoint, failing: false };
  }
  async failed(_tenant: string, _id: string, failure: EndpointFailure): Promise<EndpointDisabledReason | null> {
    this.failures.push(failure);
    this.endpoint = { ...this.endpoint, failing: true, disabled: failure.gone };
    return failure.gone ? 'gone' : null;
  }
}
