import type { Metadata, MethodDefinition } from '@grpc/grpc-js';
import { ApiError } from '@navarch/base';
import type { Context } from '@opentelemetry/api';

/** Who is at the other end: the subject of a client certificate that our CA signed and that is valid now. */
export interface PeerIdentity {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** What a handler knows of the call besides its request. */
export interface CallContext {
  /** Full method name, such as /navarch.core.v1.PodService/Create. */
  readonly method: string;
  /** Aborts with an ApiError (Timeout, Canceled) when the deadline passes or the caller goes. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970; undefined where the caller set none. */
  readonly deadlineMs: number | undefined;
  readonly metadata: Metadata;
  /** Undefined: no client certificate. A bad one never gets as far as a call. */
  readonly peer: PeerIdentity | undefined;
  /** The caller's address, `unix` for unix sockets. */
  readonly peerAddress: string;
  /** The caller's W3C trace context as it came; the handler already runs within it. */
  readonly traceparent: string | undefined;
  readonly traceContext: Context;
}

type Handle<Request, Response> =
  | { readonly kind: 'unary'; handle(request: Request, context: CallContext): Promise<Response> }
  | { readonly kind: 'serverStream'; handle(request: Request, context: CallContext): AsyncIterable<Response> }
  | { readonly kind: 'clientStream'; handle(requests: AsyncIterable<Request>, context: CallContext): Promise<Response> }
  | { readonly kind: 'bidi'; handle(requests: AsyncIterable<Request>, context: CallContext): AsyncIterable<Response> };

/** One method as the server runs it: bytes in, bytes out, so that a handler can pass on what it has encoded already. */
export type GrpcMethod = { readonly path: string } & Handle<Buffer, Uint8Array>;

/** A service as ts-proto describes it (`outputServices=grpc-js`). */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each method has types of its own; `ServiceHandlers` recovers them
export type ServiceDescription = Readonly<Record<string, MethodDefinition<any, any>>>;

type RequestOf<M> = M extends { requestDeserialize: (bytes: Buffer) => infer Request } ? Request : never;
type ResponseOf<M> = M extends { responseDeserialize: (bytes: Buffer) => infer Response } ? Response : never;

type HandlerOf<M> =
  M extends { requestStream: false; responseStream: false } ? (request: RequestOf<M>, context: CallContext) => Promise<ResponseOf<M>>
    : M extends { requestStream: false; responseStream: true } ? (request: RequestOf<M>, context: CallContext) => AsyncIterable<ResponseOf<M>>
      : M extends { requestStream: true; responseStream: false } ? (requests: AsyncIterable<RequestOf<M>>, context: CallContext) => Promise<ResponseOf<M>>
        : (requests: AsyncIterable<RequestOf<M>>, context: CallContext) => AsyncIterable<ResponseOf<M>>;

export type ServiceHandlers<S extends ServiceDescription> = { readonly [Name in keyof S]: HandlerOf<S[Name]> };

/** A typed service as methods on bytes. Malformed requests are the caller's error (BadRequest), before the handler is asked. */
export function grpcService<S extends ServiceDescription>(description: S, handlers: ServiceHandlers<S>): GrpcMethod[] {
  return Object.entries(description).map(([name, definition]) => toMethod(definition, handlers[name] as (...args: never[]) => unknown));
}

function toMethod(definition: MethodDefinition<unknown, unknown>, handler: (...args: never[]) => unknown): GrpcMethod {
  const { path, requestStream, responseStream, responseSerialize: encode } = definition;
  const decode = (bytes: Buffer): unknown => decodeRequest(definition, bytes);
  const call = handler as (request: unknown, context: CallContext) => unknown;
  const one = async (answer: unknown): Promise<Uint8Array> => encode(await (answer as Promise<unknown>));
  const many = (answer: unknown): AsyncIterable<Uint8Array> => mapAsync(answer as AsyncIterable<unknown>, encode);
  if (!requestStream && !responseStream) return { path, kind: 'unary', handle: async (request, context) => one(call(decode(request), context)) };
  if (!requestStream) return { path, kind: 'serverStream', handle: (request, context) => many(call(decode(request), context)) };
  if (!responseStream) return { path, kind: 'clientStream', handle: (requests, context) => one(call(mapAsync(requests, decode), context)) };
  return { path, kind: 'bidi', handle: (requests, context) => many(call(mapAsync(requests, decode), context)) };
}

function decodeRequest(definition: MethodDefinition<unknown, unknown>, bytes: Buffer): unknown {
  try {
    return definition.requestDeserialize(bytes);
  } catch (error) {
    throw new ApiError('BadRequest', `the request of ${definition.path} is not a valid protobuf message`, {}, { cause: error });
  }
}

export async function* mapAsync<T, U>(items: AsyncIterable<T>, map: (item: T) => U): AsyncGenerator<U, void, undefined> {
  for await (const item of items) yield map(item);
}
