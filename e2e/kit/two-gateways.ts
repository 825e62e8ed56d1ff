import { get } from 'node:https';
import { freePort } from './free-port';
import { listeningOn, type AppProcess, type Environment } from './processes';
import { Proxy, replaced, type Edit, type ProxyName } from './proxies';
import { SseStream } from './sse-client';
import { Stack } from './stack';
import { tokenFor } from './tokens';

/** The loopback addresses of the gateways, which have the same two ports, as in pods. */
export const HOSTS = ['127.0.0.2', '127.0.0.3'] as const;

/** Two gateways with their services, and proxies in front of them. The user `ana` sees the tenant `bakery`. */
export class TwoGateways {
  readonly gateways = new Map<string, AppProcess>();
  private readonly proxies: Proxy[] = [];
  private constructor(
    readonly stack: Stack,
    private readonly ports: readonly [string, string],
  ) {}

  static async open(tenants: Record<string, string[]>, gatewayEnvironment: Environment): Promise<TwoGateways> {
    const stack = await Stack.open({ tenants: { ana: ['bakery'], ...tenants }, gateways: 0, gatewayEnvironment });
    const both = new TwoGateways(stack, [String(await freePort()), String(await freePort())]);
    await Promise.all(HOSTS.map((host) => both.startGateway(host)));
    return both;
  }

  async startGateway(host: string): Promise<AppProcess> {
    const [PORT, ADMIN_PORT] = this.ports;
    const gateway = await this.stack.startGateway({ PORT, ADMIN_PORT, ...listeningOn(host) });
    this.gateways.set(host, gateway);
    return gateway;
  }

  /** How many streams both hold. */
  async connections(): Promise<number> {
    const held = [...this.gateways.values()].map((gateway) => gateway.metric('tocsin_sse_connections'));
    return (await Promise.all(held)).reduce((sum, one) => sum + one, 0);
  }

  /** A proxy in front of both, with its file as it is or with one change. */
  async proxy(name: ProxyName, change?: Edit): Promise<Proxy> {
    const [port, admin] = this.ports;
    const edit = (text: string) => replaced(text, change ? [change] : []);
    const gateways = [`${HOSTS[0]}:${port}`, `${HOSTS[1]}:${port}`] as const;
    const proxy = await Proxy.start(name, { gateways, adminPort: Number(admin), edit });
    this.proxies.push(proxy);
    return proxy;
  }

  /** A stream of `ana`, by a header or by this token in the address, after its `connection`. */
  async watch(proxy: Proxy, token?: string): Promise<SseStream> {
    const credential = token ? { query: { token } } : { headers: { Authorization: `Bearer ${tokenFor('ana')}` } };
    const stream = await SseStream.open(`${proxy.url}/api/events`, { ...credential, ca: proxy.ca });
    await stream.frame('connection');
    return stream;
  }

  /** What arrives of a stream, even if its head does not. */
  listen(proxy: Proxy): { text: string; close(): void } {
    const headers = { Authorization: `Bearer ${tokenFor('ana')}` };
    const heard = { text: '', close: () => void request.destroy() };
    const request = get(`${proxy.url}/api/events`, { headers, ca: proxy.ca, agent: false }, (response) =>
      response.on('data', (piece: Buffer) => (heard.text += piece.toString())).on('error', () => undefined),
    ).on('error', () => undefined);
    return heard;
  }

  publish(id: string): Promise<void> {
    return this.stack.amqp.publish('alert.urgent.inventory', { id, tenant_id: 'bakery' });
  }

  async close(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    await this.stack.close();
  }
}
