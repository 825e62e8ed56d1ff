// Nest's own `@Sse()`: one shared Observable per tenant. The JSON is ready.
require('reflect-metadata');
const { Controller, Module, Param, Sse } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { Subject } = require('rxjs');
const { readAlerts } = require('./read-alerts.cjs');

const subjects = new Map();
const subjectOf = (tenant) => subjects.get(tenant) ?? subjects.set(tenant, new Subject()).get(tenant);

class EventsController {
  stream(tenant) {
    return subjectOf(tenant);
  }
}
// What TypeScript generates for the decorators, written by hand.
Controller()(EventsController);
Sse('sub/:tenant')(
  EventsController.prototype,
  'stream',
  Object.getOwnPropertyDescriptor(EventsController.prototype, 'stream'),
);
Param('tenant')(EventsController.prototype, 'stream', 0);

class AppModule {}
Module({ controllers: [EventsController] })(AppModule);

readAlerts((tenant, id, data) => subjectOf(tenant).next({ id, type: 'inventory_alert', data })).then(
  async (feedPort) => {
    const app = await NestFactory.create(AppModule, { logger: false });
    await app.init();
    const server = app.getHttpServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
      console.log(JSON.stringify({ ready: true, port: server.address().port, feedPort })),
    );
  },
);
