import { BrokerAddresses } from './broker-addresses';

const fieldsOf = (addresses: BrokerAddresses) => {
  const { protocol, hostname, port, username, password, vhost, heartbeat } = addresses;
  return { protocol, hostname, port, username, password, vhost, heartbeat };
};

test('one address stays the same', () => {
  const addresses = new BrokerAddresses('amqps://ada:p%40ss,word@broker:5673/bakery?heartbeat=7');
  const fields = {
    protocol: 'amqps',
    hostname: 'broker',
    port: 5673,
    username: 'ada',
    password: 'p@ss,word',
    vhost: 'bakery',
    heartbeat: 7,
  };
  expect(fieldsOf(addresses)).toEqual(fields);
  addresses.next();
  expect(fieldsOf(addresses)).toEqual(fields);
});

test('several addresses take turns, and the first follows the last', () => {
  const addresses = new BrokerAddresses('amqp://a:1,b@one/v, amqp://[::1]:5673,amqp://three');
  const hosts = [0, 1, 2, 3].map(() => {
    const { hostname, port, username, vhost } = addresses;
    addresses.next();
    return [hostname, port, username, vhost];
  });
  expect(hosts).toEqual([
    ['one', undefined, 'a', 'v'],
    ['::1', 5673, undefined, ''],
    ['three', undefined, undefined, ''],
    ['one', undefined, 'a', 'v'],
  ]);
});
