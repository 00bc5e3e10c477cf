import type { ApiObject, Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';
import { AttachPodRequest, ExecPodRequest, ExecPodResponse, PortForwardPodRequest, PortForwardPodResponse } from '@navarch/proto/navarch/core/v1/pod_service';
import type { CommandInput, PortForwardFrame } from '@navarch/proto/navarch/meta/v1/session';
import { joinCommand, joinPortForward, messageCaller, messagePortForwardCaller } from '@navarch/streaming';
import type { CallContext } from '@navarch/service';

import { badRequest } from '../core/errors';
import type { SessionResponse } from '../core/request';
import { ask, unexpected, type Door } from './call';
import { askGet, decodeWith } from './requests';

/** Conversations with a pod: the first message says with which and how, those after it are part of it. */
export type Bidi = (resource: Resource, door: Door) => (requests: AsyncIterable<Buffer>, call: CallContext) => AsyncIterable<Uint8Array>;

interface Opening {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly options?: object | undefined;
}

type CommandRequest = Opening & { readonly input?: CommandInput | undefined };

/** Of exec and attach alike: their responses are the same on the wire. */
function command(subresource: 'exec' | 'attach', message: { decode(bytes: Uint8Array): CommandRequest }): Bidi {
  return (resource, door) => (requests, call) => converse(requests, call, message, async function* (first, rest, signal) {
    const response = await open(door, resource, subresource, first, call);
    try {
      if (response.session.kind !== 'command') throw unexpected(response);
      const running = await response.session.start(signal);
      const { caller, outputs } = messageCaller(parts(rest, ({ input }) => input), signal);
      void joinCommand(caller, running);
      for await (const output of outputs) yield ExecPodResponse.encode({ output }).finish();
    } finally {
      response.release();
    }
  });
}

const portForward: Bidi = (resource, door) => (requests, call) => converse(requests, call, PortForwardPodRequest, async function* (first, rest, signal) {
  const response = await open(door, resource, 'portforward', { ...first, options: {} }, call);
  try {
    if (response.session.kind !== 'portForward') throw unexpected(response);
    const target = await response.session.start(signal);
    yield PortForwardPodResponse.encode({}).finish();
    const { caller, frames } = messagePortForwardCaller(parts(rest, ({ frame }): PortForwardFrame | undefined => frame), signal);
    void joinPortForward(caller, target);
    for await (const frame of frames) yield PortForwardPodResponse.encode({ frame }).finish();
  } finally {
    response.release();
  }
});

export const bidi: Readonly<Record<string, Bidi>> = { Exec: command('exec', ExecPodRequest), Attach: command('attach', AttachPodRequest), PortForward: portForward };

/** Reads the first message, and ends everything when the answers do, for whatever reason. */
async function* converse<T>(
  requests: AsyncIterable<Buffer>, call: CallContext, message: { decode(bytes: Uint8Array): T },
  run: (first: T, rest: AsyncIterable<T>, signal: AbortSignal) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = requests[Symbol.asyncIterator]();
  const { done, value } = await iterator.next();
  if (done) throw badRequest('the first message must say which pod is meant');
  const life = new AbortController();
  const signal = AbortSignal.any([call.signal, life.signal]);
  const rest = { [Symbol.asyncIterator]: () => iterator };
  try {
    yield* run(decodeWith(message, value), decoded(rest, message), signal);
  } finally {
    life.abort(new ApiError('Canceled', 'the conversation is over'));
  }
}

async function* decoded<T>(messages: AsyncIterable<Buffer>, message: { decode(bytes: Uint8Array): T }): AsyncGenerator<T, void, undefined> {
  for await (const bytes of messages) yield decodeWith(message, bytes);
}

async function* parts<T, Part>(messages: AsyncIterable<T>, part: (message: T) => Part | undefined): AsyncGenerator<Part, void, undefined> {
  for await (const message of messages) {
    const found = part(message);
    if (found) yield found;
  }
}

async function open(door: Door, resource: Resource, subresource: string, { namespace, name, options = {} }: Opening, call: CallContext): Promise<SessionResponse> {
  const asked = { ...askGet(resource, { namespace, name }, subresource), verb: 'create' as const, body: { object: options as ApiObject } };
  const response = await ask(door, asked, call);
  if (response.type !== 'session') throw unexpected(response);
  return response;
}
