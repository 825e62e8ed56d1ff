import type { DynamicModule } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { GatewayModule } from '../../gateway.module';

/** The gateway's controllers in an app that answers nothing: everything that they call is missing. */
export async function describedApp(): Promise<NestExpressApplication> {
  const { controllers } = GatewayModule.forRoot({} as never, []) as Required<Pick<DynamicModule, 'controllers'>>;
  const module = await Test.createTestingModule({ controllers })
    .useMocker(() => ({}))
    .compile();
  const app = module.createNestApplication<NestExpressApplication>({ bodyParser: false });
  await app.init();
  return app;
}
