// Loaded before an app (node --require). Its servers listen on the address LISTEN_ON alone: several gateways can then
// have the same ports, as each has in a pod of its own.
const { Server } = require('node:net');
const { listen } = Server.prototype;
Server.prototype.listen = function (options, ...more) {
  return listen.call(this, { ...options, host: process.env.LISTEN_ON }, ...more);
};
