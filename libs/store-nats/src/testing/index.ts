/** Real nats-servers for tests. */
export { Load } from './load';
export { startNatsCluster, type NatsCluster } from './nats-cluster';
export { startNatsServer, type NatsServer, type NatsServerOptions } from './nats-server';
