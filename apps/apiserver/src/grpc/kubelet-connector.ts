import { ApiError } from '@navarch/base';
import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';
import { KubeletServiceService } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';
import type { CommandInput, CommandOutput, PortForwardFrame } from '@navarch/proto/navarch/meta/v1/session';
import { connectGrpc, type GrpcChannel, type TlsMaterial } from '@navarch/service';
import { commandConversation, messagePortForward, type PortForwardTarget, type RunningCommand } from '@navarch/streaming';

import type { KubeletConnector } from '../core/pods/kubelet-connector';

/** Where a kubelet says that it listens: `unix:/…` or `host:port`. */
export const kubeletEndpointAnnotation = 'navarch.io/kubelet-endpoint';

/**
 * Reaches kubelets by gRPC. The certificate must bear the node's name, so that one node cannot answer for another. A
 * connection lasts as long as its request: logs and commands are rare, and nodes come and go.
 */
export function grpcKubelets(tls: TlsMaterial | 'insecure'): KubeletConnector {
  const connect = (node: Node): GrpcChannel => {
    const name = node.metadata?.name ?? '';
    const target = node.metadata?.annotations?.[kubeletEndpointAnnotation];
    if (!target) throw new ApiError('Unavailable', `node "${name}" does not say where its kubelet listens (annotation ${kubeletEndpointAnnotation})`);
    return connectGrpc({ target, tls, serverName: name });
  };
  return {
    async *containerLog(node, { namespace, pod, podUid, options }, signal) {
      const channel = connect(node);
      try {
        const log = channel.serverStream(KubeletServiceService.containerLog, { namespace, pod, podUid, options }, { signal });
        for await (const { data } of log) if (data) yield data;
      } finally {
        channel.close();
      }
    },
    exec: async (node, start, signal) => converse(connect(node), signal, (channel, inputs, until) =>
      outputsOf(channel.bidi(KubeletServiceService.exec, startedBy({ start }, inputs, (input) => ({ input })), { signal: until }))),
    attach: async (node, start, signal) => converse(connect(node), signal, (channel, inputs, until) =>
      outputsOf(channel.bidi(KubeletServiceService.attach, startedBy({ start }, inputs, (input) => ({ input })), { signal: until }))),
    portForward: async (node, start, signal) => forward(connect(node), signal, (channel, frames, until) =>
      channel.bidi(KubeletServiceService.portForward, startedBy({ start }, frames, (frame) => ({ frame })), { signal: until })),
    dial: async (node, address, signal) => forward(connect(node), signal, (channel, frames, until) =>
      channel.bidi(KubeletServiceService.dial, startedBy({ start: { address } }, frames, (frame) => ({ frame })), { signal: until })),
    async stats(node, signal) {
      const channel = connect(node);
      try {
        return await channel.unary(KubeletServiceService.stats, {}, { signal });
      } finally {
        channel.close();
      }
    },
  };
}

type Carry = (channel: GrpcChannel, frames: AsyncIterable<PortForwardFrame>, signal: AbortSignal) => AsyncGenerator<{ frame?: PortForwardFrame | undefined }, void, undefined>;

async function forward(channel: GrpcChannel, signal: AbortSignal, carry: Carry): Promise<PortForwardTarget> {
  const life = new AbortController();
  const end = (): void => {
    life.abort(new ApiError('Canceled', 'the connections are over'));
    channel.close();
  };
  try {
    const link = messagePortForward(end);
    const answers = carry(channel, link.frames, AbortSignal.any([signal, life.signal]));
    await mustBegin(answers.next());
    return link.begin(framesOf(answers));
  } catch (error) {
    end();
    throw error;
  }
}

type Ask = (channel: GrpcChannel, inputs: AsyncIterable<CommandInput>, signal: AbortSignal) => AsyncIterable<CommandOutput>;

async function converse(channel: GrpcChannel, signal: AbortSignal, ask: Ask): Promise<RunningCommand> {
  const life = new AbortController();
  const close = (): void => {
    life.abort(new ApiError('Canceled', 'the command is given up'));
    channel.close();
  };
  const conversation = commandConversation();
  try {
    return await conversation.start(ask(channel, conversation.inputs, AbortSignal.any([signal, life.signal])), close);
  } catch (error) {
    close();
    throw error;
  }
}

async function* startedBy<Start, Rest, Item>(start: Start, items: AsyncIterable<Item>, wrap: (item: Item) => Rest): AsyncGenerator<Start | Rest, void, undefined> {
  yield start;
  for await (const item of items) yield wrap(item);
}

async function* outputsOf(answers: AsyncIterable<{ output?: CommandOutput | undefined }>): AsyncGenerator<CommandOutput, void, undefined> {
  for await (const { output = {} } of answers) yield output;
}

async function* framesOf(answers: AsyncIterable<{ frame?: PortForwardFrame | undefined }>): AsyncGenerator<PortForwardFrame, void, undefined> {
  for await (const { frame } of answers) if (frame) yield frame;
}

async function mustBegin(first: Promise<IteratorResult<unknown, void>>): Promise<void> {
  if ((await first).done) throw new ApiError('Internal', 'the kubelet ended the connections before they began');
}
