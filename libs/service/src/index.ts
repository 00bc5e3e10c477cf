/**
 * How a process of Navarch starts, talks and stops: configuration, logs, telemetry, gRPC in both directions, TLS, drain.
 * A main.ts is: parseConfig → serveProcess({ run }), and inside `run` createGrpcServer, connectGrpc, grpcApiClient.
 */
export { createAuthority, issueCertificate, writeKeyPair, type CertificateRequest, type KeyPair } from './tls/authority';
export { createTokenKeys, createTokenSigningKey, type TokenClaims, type TokenKeys } from './tokens/token-keys';
export { followTls, loadTls, type TlsFiles, type TlsMaterial } from './tls/tls-material';
export { fromGrpcError, toGrpcError, type GrpcFailure } from './grpc/grpc-error';
export { errorOfStatus, statusOfError } from './grpc/status';
export {
  grpcService, type CallContext, type GrpcMethod, type PeerIdentity, type ServiceDescription, type ServiceHandlers,
} from './grpc/grpc-service';
export { createGrpcServer, type GrpcLimits, type GrpcServer, type GrpcServerOptions } from './grpc/grpc-server';
export { parseEndpoint, removeStaleSocket, type Endpoint } from './grpc/listener';
export { connectGrpc, type CallSettings, type GrpcChannel, type GrpcChannelOptions } from './grpc/grpc-channel';
export { grpcApiClient, openPodLog } from './grpc/grpc-api-client';
export { parseConfig } from './config/parse-config';
export { readConfig, type ConfigResult, type ConfigSources } from './config/read-config';
export type { ConfigField, ConfigFields, ConfigOf } from './config/field';
export { createLogger, type LoggerOptions, type LogLevel } from './process/logger';
export { createHealth, type Health } from './process/health';
export { processFields, serveProcess, type ProcessConfig, type ProcessContext, type Served, type ServeOptions } from './process/serve-process';
export { startTelemetry, type Telemetry, type TelemetryOptions } from './telemetry/telemetry';
