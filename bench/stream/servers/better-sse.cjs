// better-sse as its documentation shows it (a channel that broadcasts). With BETTER_SSE=batch every session writes one
// buffer per alert: the cheapest way in its public API. The JSON is ready and is not serialised again.
const { createServer } = require('node:http');
const { createChannel, createEventBuffer, createSession } = require('better-sse');
const { readAlerts } = require('./read-alerts.cjs');

const asItIs = (text) => text;
const options = { serializer: asItIs, sanitizer: asItIs, keepAlive: null, retry: null };
const channels = new Map();
const channelOf = (tenant) => channels.get(tenant) ?? channels.set(tenant, createChannel()).get(tenant);

const broadcast = (channel, seq, data) => channel.broadcast(data, 'inventory_alert', { eventId: seq });
const batch = (channel, seq, data) => {
  const buffer = createEventBuffer(options).push(data, 'inventory_alert', seq);
  for (const session of channel.activeSessions) void session.batch(buffer);
};
const send = process.env.BETTER_SSE === 'batch' ? batch : broadcast;

readAlerts((tenant, seq, data) => send(channelOf(tenant), seq, data)).then((feedPort) => {
  const server = createServer(async (request, response) => {
    channelOf(request.url.slice('/sub/'.length)).register(await createSession(request, response, options));
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
    console.log(JSON.stringify({ ready: true, port: server.address().port, feedPort })),
  );
});
