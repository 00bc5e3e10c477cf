import { ApiError } from '@navarch/base';
import type { KubeletServiceService } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';
import type { CommandInput, CommandOutput, PortForwardFrame } from '@navarch/proto/navarch/meta/v1/session';
import type { PeerIdentity, ServiceHandlers } from '@navarch/service';
import { joinCommand, joinPortForward, messageCaller, messagePortForwardCaller, type PortForwardTarget, type RunningCommand } from '@navarch/streaming';

import { dialTarget } from './node-dial';
import type { PodRequest, PodStreams } from './pod-streams';

type Handlers = Pick<ServiceHandlers<typeof KubeletServiceService>, 'exec' | 'attach' | 'portForward' | 'dial'>;

/** The conversations as methods of KubeletService; `check` refuses those who may not ask, `http` is the kubelet's own server. */
export function streamHandlers(streams: PodStreams, http: () => PortForwardTarget, check: (peer: PeerIdentity | undefined) => void): Handlers {
  return {
    async *exec(requests, { peer, signal }) {
      check(peer);
      yield* command(requests, signal, (start, until) => streams.exec({ ...placeOf(start), options: start.options ?? {} }, until));
    },
    async *attach(requests, { peer, signal }) {
      check(peer);
      yield* command(requests, signal, (start, until) => streams.attach({ ...placeOf(start), options: start.options ?? {} }, until));
    },
    async *portForward(requests, { peer, signal }) {
      check(peer);
      yield* connections(requests, signal, (start, until) => streams.portForward(placeOf(start), until));
    },
    async *dial(requests, { peer, signal }) {
      check(peer);
      yield* connections(requests, signal, ({ address }) => Promise.resolve(address ? dialTarget(address) : http()));
    },
  };
}

interface ConnectionsRequest<Start> {
  readonly start?: Start | undefined;
  readonly frame?: PortForwardFrame | undefined;
}

async function* connections<Start>(
  requests: AsyncIterable<ConnectionsRequest<Start>>, signal: AbortSignal, reach: (start: NonNullable<Start>, until: AbortSignal) => Promise<PortForwardTarget>,
): AsyncGenerator<{ frame?: PortForwardFrame }, void, undefined> {
  const { start, rest } = await begin(requests);
  const { until, end } = life(signal);
  try {
    const target = await reach(start, until);
    yield {};
    const { caller, frames } = messagePortForwardCaller(present(rest, ({ frame }): PortForwardFrame | undefined => frame), until);
    void joinPortForward(caller, target);
    for await (const frame of frames) yield { frame };
  } finally {
    end();
  }
}

interface CommandRequest<Start> {
  readonly start?: Start | undefined;
  readonly input?: CommandInput | undefined;
}

async function* command<Start>(
  requests: AsyncIterable<CommandRequest<Start>>, signal: AbortSignal, run: (start: Start, until: AbortSignal) => Promise<RunningCommand>,
): AsyncGenerator<{ output: CommandOutput }, void, undefined> {
  const { start, rest } = await begin(requests);
  const { until, end } = life(signal);
  try {
    const running = await run(start, until);
    const { caller, outputs } = messageCaller(present(rest, ({ input }) => input), until);
    void joinCommand(caller, running);
    for await (const output of outputs) yield { output };
  } finally {
    end();
  }
}

/** Until the call is over, from whichever side. */
function life(signal: AbortSignal): { readonly until: AbortSignal; end(): void } {
  const own = new AbortController();
  return { until: AbortSignal.any([signal, own.signal]), end: () => own.abort(new ApiError('Canceled', 'the call is over')) };
}

async function begin<Start, Request extends { readonly start?: Start | undefined }>(requests: AsyncIterable<Request>): Promise<{ start: NonNullable<Request['start']>; rest: AsyncIterable<Request> }> {
  const iterator = requests[Symbol.asyncIterator]();
  const { done, value } = await iterator.next();
  if (done || !value.start) throw new ApiError('BadRequest', 'the first request must have start');
  return { start: value.start, rest: { [Symbol.asyncIterator]: () => iterator } };
}

async function* present<T, Part>(messages: AsyncIterable<T>, part: (message: T) => Part | undefined): AsyncGenerator<Part, void, undefined> {
  for await (const message of messages) {
    const found = part(message);
    if (found) yield found;
  }
}

function placeOf({ namespace = '', pod = '', podUid }: { namespace?: string | undefined; pod?: string | undefined; podUid?: string | undefined }): PodRequest {
  return { namespace, pod, ...(podUid && { podUid }) };
}
