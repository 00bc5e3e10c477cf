import { createSecureContext } from 'node:tls';

import {
  ChannelCredentials, Client, Metadata,
  type CallOptions as GrpcCallOptions, type ChannelOptions, type ClientDuplexStream, type ClientReadableStream, type MethodDefinition,
} from '@grpc/grpc-js';
import { ApiError, systemClock, type Clock } from '@navarch/base';
import { context, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';

import type { TlsMaterial } from '../tls/tls-material';
import { fromGrpcError } from './grpc-error';
import { parseEndpoint } from './listener';

export interface GrpcChannelOptions {
  /** `host:port`, `[v6]:port` or `unix:/path`. */
  readonly target: string;
  /** `insecure` is for tests, benches and servers that have no TLS (containerd). */
  readonly tls: TlsMaterial | 'insecure';
  /** The name the server's certificate must bear; the target's host, for unix sockets and loopback addresses `localhost`, unless told. */
  readonly serverName?: string;
  /** Bearer token, asked for at each call so that it can change; never sent without TLS. */
  readonly token?: () => string | undefined;
  /** Calls while there is no connection wait for one until their deadline instead of failing at once; false unless told. */
  readonly waitForReady?: boolean;
  /** Deadline of unary calls that name none, in milliseconds; 30,000 unless told. */
  readonly timeoutMs?: number;
  /** Largest message in either direction, in bytes; 16 MiB unless told. */
  readonly messageBytes?: number;
  /** A server that is silent for so long is pinged, and the connection made anew when it stays so; 20,000 unless told. */
  readonly keepaliveMs?: number;
  readonly clock?: Clock;
}

export interface CallSettings {
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole call; streams have no deadline unless told. */
  readonly timeoutMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

type Method<Request, Response> = MethodDefinition<Request, Response>;

/**
 * A connection to one server that comes back by itself (50 ms … 2 s between tries). Failures are ApiErrors. The active
 * trace context travels with every call; a call within a recorded span gets a client span of its own, one outside any
 * trace costs nothing.
 */
export interface GrpcChannel {
  readonly target: string;
  unary<Request, Response>(method: Method<Request, Response>, request: Request, settings?: CallSettings): Promise<Response>;
  /** Back-pressure reaches the server; leaving the loop cancels the call. */
  serverStream<Request, Response>(method: Method<Request, Response>, request: Request, settings?: CallSettings): AsyncGenerator<Response, void, undefined>;
  bidi<Request, Response>(method: Method<Request, Response>, requests: AsyncIterable<Request>, settings?: CallSettings): AsyncGenerator<Response, void, undefined>;
  /** Resolves once connected; Unavailable with the last failure where that takes longer than `timeoutMs`. */
  ready(timeoutMs: number): Promise<void>;
  /** Ends it; calls under way fail. */
  close(): void;
}

/** Opens a channel; it connects at the first call. Throws an Error where target or TLS material cannot be right. */
export function connectGrpc(options: GrpcChannelOptions): GrpcChannel {
  const { target, clock = systemClock } = options;
  const endpoint = parseEndpoint(target);
  const client = new Client(target, credentialsOf(options.tls), channelOptions(options, 'path' in endpoint || loopback.test(endpoint.host)));
  const prepare = (method: Method<never, never>, settings: CallSettings, defaultTimeoutMs?: number): PreparedCall => {
    const timeoutMs = settings.timeoutMs ?? defaultTimeoutMs;
    const span = spanOf(method.path);
    const metadata = metadataOf(options, settings, span);
    return { span, metadata, options: timeoutMs === undefined ? {} : { deadline: clock.now() + timeoutMs } };
  };
  return {
    target,
    unary: (method, request, settings = {}) => {
      if (settings.signal?.aborted) return Promise.reject(canceled(settings.signal));
      return unary(client, method, request, prepare(method as never, settings, options.timeoutMs ?? 30_000), settings.signal);
    },
    serverStream: (method, request, settings = {}) => {
      const call = (): ClientReadableStream<never> => {
        const { metadata, options: callOptions } = prepare(method as never, settings);
        return client.makeServerStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, request, metadata, callOptions) as never;
      };
      return responsesOf(call, settings.signal);
    },
    bidi: (method, requests, settings = {}) => {
      const call = (): ClientDuplexStream<unknown, never> => {
        const { metadata, options: callOptions } = prepare(method as never, settings);
        const opened = client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, metadata, callOptions);
        void send(opened, requests);
        return opened as never;
      };
      return responsesOf(call, settings.signal);
    },
    ready: (timeoutMs) => new Promise((resolve, reject) => {
      client.waitForReady(clock.now() + timeoutMs, (error) => {
        if (error) reject(new ApiError('Unavailable', `${target}: ${error.message}`, {}, { cause: error }));
        else resolve();
      });
    }),
    close: () => client.close(),
  };
}

const loopback = /^(127\.\d+\.\d+\.\d+|::1)$/;

interface PreparedCall {
  readonly span: Span | undefined;
  readonly metadata: Metadata;
  readonly options: GrpcCallOptions;
}

function unary<Request, Response>(client: Client, method: Method<Request, Response>, request: Request, prepared: PreparedCall, signal: AbortSignal | undefined): Promise<Response> {
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, prepared.metadata, prepared.options, (failure, response) => {
      signal?.removeEventListener('abort', onAbort);
      const error = failure && (signal?.aborted ? canceled(signal) : fromGrpcError(failure));
      endSpan(prepared.span, error);
      if (error) reject(error);
      else resolve(response as Response);
    });
    const onAbort = (): void => call.cancel();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

async function* responsesOf<Response>(open: () => ClientReadableStream<Response>, signal: AbortSignal | undefined): AsyncGenerator<Response, void, undefined> {
  if (signal?.aborted) throw canceled(signal);
  const call = open();
  const onAbort = (): void => call.cancel();
  signal?.addEventListener('abort', onAbort, { once: true });
  // A status that comes after the reader has left must not count as an unheard 'error'.
  call.on('error', () => undefined);
  try {
    for await (const response of call) yield response as Response;
  } catch (error) {
    throw signal?.aborted ? canceled(signal) : fromGrpcError(error);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    call.cancel();
  }
}

async function send<Request>(call: ClientDuplexStream<Request, unknown>, requests: AsyncIterable<Request>): Promise<void> {
  let over = false;
  const ended = new Promise<void>((resolve) => call.once('status', () => resolve())).then(() => {
    over = true;
  });
  try {
    for await (const request of requests) {
      if (over) return;
      if (!call.write(request)) await Promise.race([ended, new Promise<void>((resolve) => call.once('drain', () => resolve()))]);
    }
    call.end();
  } catch {
    // The source of requests failed: without them the call has no meaning.
    call.cancel();
  }
}

function canceled(signal: AbortSignal): ApiError {
  const reason: unknown = signal.reason;
  return new ApiError('Canceled', 'the call was canceled', {}, { cause: reason });
}

const tracer = trace.getTracer('navarch-grpc');

/** A client span where a recorded span is active: a person's request or a reconcile, not a background watch. */
function spanOf(path: string): Span | undefined {
  if (!trace.getActiveSpan()?.isRecording()) return undefined;
  const [, service = '', name = ''] = path.split('/');
  return tracer.startSpan(`${service}/${name}`, { kind: SpanKind.CLIENT, attributes: { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': name } });
}

function endSpan(span: Span | undefined, error: ApiError | null): void {
  if (!span) return;
  if (error) span.setStatus({ code: SpanStatusCode.ERROR, message: error.reason });
  span.end();
}

function metadataOf({ token, tls, waitForReady }: GrpcChannelOptions, settings: CallSettings, span: Span | undefined): Metadata {
  const metadata = new Metadata(waitForReady ? { waitForReady } : undefined);
  for (const [key, value] of Object.entries(settings.metadata ?? {})) metadata.set(key, value);
  const bearer = tls === 'insecure' ? undefined : token?.();
  if (bearer) metadata.set('authorization', `Bearer ${bearer}`);
  const spanContext = span?.spanContext() ?? trace.getSpanContext(context.active());
  // Written out rather than through the global propagator: this is the one header that Navarch's parts agree on.
  if (spanContext) metadata.set('traceparent', `00-${spanContext.traceId}-${spanContext.spanId}-0${(spanContext.traceFlags & 1).toString()}`);
  return metadata;
}

function credentialsOf(tls: TlsMaterial | 'insecure'): ChannelCredentials {
  if (tls === 'insecure') return ChannelCredentials.createInsecure();
  const { ca, certificate, key } = tls;
  return ChannelCredentials.createFromSecureContext(createSecureContext({ ca, minVersion: 'TLSv1.2', ...(certificate && key && { cert: certificate, key }) }));
}

function channelOptions({ serverName, messageBytes = 16 * 1024 * 1024, keepaliveMs = 20_000 }: GrpcChannelOptions, local: boolean): ChannelOptions {
  const name = serverName ?? (local ? 'localhost' : undefined);
  return {
    'grpc.max_receive_message_length': messageBytes,
    'grpc.max_send_message_length': messageBytes,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.enable_channelz': 0,
    'grpc.service_config_disable_resolution': 1,
    // Loopback and unix sockets never go through a proxy; other targets are named by the operator.
    'grpc.enable_http_proxy': 0,
    // Channels of one process to one target may carry different credentials.
    'grpc.use_local_subchannel_pool': 1,
    // As good as never: a new TLS handshake costs a pod's start more than an open socket does.
    'grpc.client_idle_timeout_ms': 2_147_483_647,
    ...(name && { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name }),
  };
}
