import type { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';

import type { sendUnaryData, ServerDuplexStream, ServerReadableStream, ServerUnaryCall, ServerWritableStream, UntypedHandleCall } from '@grpc/grpc-js';
import { ApiError, isApiError, type Clock } from '@navarch/base';
import { contextUnder } from '@navarch/client';
import { context } from '@opentelemetry/api';

import { toGrpcError } from './grpc-error';
import type { CallContext, GrpcMethod } from './grpc-service';
import { peerIdentity } from './peer-identity';

/** A call under way, as the server sees it while it drains. */
export interface RunningCall {
  abort(reason: ApiError): void;
}

interface CallDependencies {
  readonly calls: Set<RunningCall>;
  readonly clock: Clock;
  /** Logs an unexpected failure and answers the id to tell the caller. */
  readonly report: (error: unknown) => string;
}

type AnyCall = Pick<ServerUnaryCall<Buffer, Uint8Array>, 'metadata' | 'getAuthContext' | 'getDeadline' | 'getPeer'> & EventEmitter;
type Writing = ServerWritableStream<Buffer, Uint8Array> | ServerDuplexStream<Buffer, Uint8Array>;
type Reading = ServerReadableStream<Buffer, Uint8Array> | ServerDuplexStream<Buffer, Uint8Array>;

/** The method as grpc-js calls it. */
export function handlerOf(method: GrpcMethod, dependencies: CallDependencies): UntypedHandleCall {
  switch (method.kind) {
    case 'unary':
      return (call: ServerUnaryCall<Buffer, Uint8Array>, respond: sendUnaryData<Uint8Array>) =>
        void answer(call, respond, method.path, dependencies, (callContext) => method.handle(call.request, callContext));
    case 'clientStream':
      return (call: ServerReadableStream<Buffer, Uint8Array>, respond: sendUnaryData<Uint8Array>) =>
        void answer(call, respond, method.path, dependencies, (callContext) => method.handle(requestsOf(call, callContext.signal), callContext));
    case 'serverStream':
      return (call: ServerWritableStream<Buffer, Uint8Array>) =>
        void stream(call, method.path, dependencies, (callContext) => method.handle(call.request, callContext));
    case 'bidi':
      return (call: ServerDuplexStream<Buffer, Uint8Array>) =>
        void stream(call, method.path, dependencies, (callContext) => method.handle(requestsOf(call, callContext.signal), callContext));
  }
}

async function answer(
  call: AnyCall, respond: sendUnaryData<Uint8Array>, path: string, dependencies: CallDependencies, handle: (callContext: CallContext) => Promise<Uint8Array>,
): Promise<void> {
  const started = start(call, path, dependencies);
  try {
    const response = await context.with(started.context.traceContext, handle, undefined, started.context);
    started.finish();
    respond(null, response);
  } catch (error) {
    started.finish();
    respond(toGrpcError(started.causeOf(error), dependencies.report));
  }
}

async function stream(
  call: Writing, path: string, dependencies: CallDependencies, handle: (callContext: CallContext) => AsyncIterable<Uint8Array>,
): Promise<void> {
  const started = start(call, path, dependencies);
  try {
    await context.with(started.context.traceContext, () => pump(call, handle(started.context), started.context.signal));
    started.finish();
    call.end();
  } catch (error) {
    started.finish();
    // This is how grpc-js takes a stream's failure: it ends the call with the status in the error.
    call.emit('error', toGrpcError(started.causeOf(error), dependencies.report));
  }
}

/** Writes as fast as the reader reads: the generator is not asked for more while the stream is full. */
async function pump(call: Writing, responses: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  for await (const response of responses) {
    if (signal.aborted) break;
    if (!call.write(response)) await drained(call, signal);
  }
  signal.throwIfAborted();
}

function drained(call: Writing, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.on('drain', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

async function* requestsOf(call: Reading, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  try {
    // Leaving the loop early must not destroy the stream on which the answer still goes out.
    const requests: Readable = call;
    for await (const request of requests.iterator({ destroyOnReturn: false })) yield request as Buffer;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

interface StartedCall {
  readonly context: CallContext;
  /** What a handler throws because it was told to stop is no news: why it was told is. */
  causeOf(thrown: unknown): unknown;
  finish(): void;
}

function start(call: AnyCall, path: string, { calls, clock }: CallDependencies): StartedCall {
  const controller = new AbortController();
  const running: RunningCall = { abort: (reason) => controller.abort(reason) };
  const deadline = call.getDeadline();
  const deadlineMs = typeof deadline === 'number' && Number.isFinite(deadline) ? deadline : undefined;
  calls.add(running);
  // grpc-js says "cancelled" at the end of every call; `calls` knows which ends are news.
  call.once('cancelled', () => {
    if (!calls.delete(running)) return;
    const late = deadlineMs !== undefined && clock.now() >= deadlineMs;
    controller.abort(late ? new ApiError('Timeout', 'the deadline of the request has passed') : new ApiError('Canceled', 'the caller has gone'));
  });
  const traceparent = call.metadata.get('traceparent')[0]?.toString();
  const peer = call.getPeer();
  return {
    context: {
      method: path, signal: controller.signal, deadlineMs, metadata: call.metadata, traceparent,
      peer: peerIdentity(call.getAuthContext().sslPeerCertificate),
      peerAddress: peer === 'unknown' ? 'unix' : peer,
      traceContext: contextUnder(traceparent),
    },
    causeOf: (thrown) => (controller.signal.aborted && !isApiError(thrown) ? controller.signal.reason : thrown),
    finish: () => calls.delete(running),
  };
}
