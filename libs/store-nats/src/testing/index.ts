/** Real nats-servers for tests. */
export { startNatsServer, type NatsServer, type NatsServerOptions } from './nats-server';
