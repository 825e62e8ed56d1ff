import 'reflect-metadata';
import { Controller, Get, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AuthModule } from '@tocsin/auth';
import { Refused } from '@tocsin/contracts';
import { AdminServer, Health, ObservabilityModule } from '@tocsin/observability';
import { gatewayAdapters } from '../../apps/gateway/src/adapters';
import { loadConfig } from '../../apps/gateway/src/config';
import { GatewayModule, openHttp, prepareHttp, type BeforeRequest } from '../../apps/gateway/src/gateway.module';

/** A route of the shop's own. */
@Controller('orders')
class OrdersController {
  @Get()
  list(): { order_id: string; loaves: number }[] {
    return [{ order_id: 'o-1', loaves: 12 }];
  }
}

/** Sees every request of the port before it is handled, whether it is for the shop, the gateway or a stream. */
const beforeRequest: BeforeRequest = ({ headers }) =>
  headers['user-agent']?.startsWith('Crawler/')
    ? new Refused('refused_by_operator', 'The shop answers no crawlers.')
    : { headers: { 'Shop-Release': '1.0.0' } };

/** A shop that is one Nest application, with Tocsin's gateway below /tocsin. */
@Module({})
class ShopModule {
  static forRoot(config: ReturnType<typeof loadConfig>): DynamicModule {
    const observability = ObservabilityModule.forRoot({ app: 'shop', version: '1.0.0', settings: config });
    const adapters = gatewayAdapters(config, observability);
    const auth = AuthModule.forRoot({ settings: config, adapters, observability });
    return {
      module: ShopModule,
      imports: [GatewayModule.forRoot(config, [observability, adapters, auth], { beforeRequest })],
      controllers: [OrdersController],
    };
  }
}

/**
 * Starts the shop with the settings of a gateway. Its routes and those of the gateway share the port, the error
 * answers, CORS and the limits of requests. Nest's own body parser is off, because the gateway bounds the memory of
 * bodies itself: a route of your own that takes a body brings a parser, as `app.use('/orders', json())`.
 */
export async function openShop(
  environment: NodeJS.ProcessEnv,
): Promise<{ app: NestExpressApplication; port: number; adminPort: number }> {
  const config = loadConfig({ BASE_PATH: '/tocsin', ...environment });
  const app = await NestFactory.create<NestExpressApplication>(ShopModule.forRoot(config), {
    bodyParser: false,
    forceCloseConnections: true,
    logger: ['error'],
  });
  app.enableShutdownHooks();
  prepareHttp(app, config);
  await app.get(AdminServer).listen();
  await app.init();
  await app.get(Health).waitUntilUp(config.DB_READY_TIMEOUT);
  const port = await openHttp(app, config.PORT);
  app.get(Health).ready();
  return { app, port, adminPort: app.get(AdminServer).address()!.port };
}

if (require.main === module)
  void openShop(process.env).then(({ port }) => console.log(`The shop answers at http://localhost:${port}/orders`));
