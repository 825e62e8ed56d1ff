import { EventBroker } from '@tocsin/event-broker';

async function main(): Promise<void> {
  const broker = new EventBroker({ instanceId: 'ten-lines' });
  broker.subscribe<{ name: string }>('public.users.*', ({ type, payload }) => console.log(type, payload.name));
  await broker.start();
  await broker.publish({ type: 'public.users.create', payload: { name: 'Ada' } });
  await broker.stop();
}
void main();
