/**
 * The object log on NATS JetStream: the connection and its checks, one stream per log, and the port of libs/store over it. All the log's rules
 * are in libs/store; here is only what JetStream calls things, and the translation of its errors (nats-errors.ts).
 */
export { connectNats, type NatsConnection, type NatsConnectionOptions, type NatsCredentials, type NatsTls } from './connection';
export { watchLogSizes, type LogSizes, type LogSizesOptions } from './log-sizes';
export { connectNatsLog, type NatsLogOptions } from './nats-log';
export { openNatsStream, type NatsStreamOptions } from './nats-stream';
export { beginRestore, finishRestore, type RestoreTarget } from './restore';
