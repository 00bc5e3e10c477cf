import { ApiError } from '@navarch/base';
import type { ContainerRuntime } from '@navarch/cri';
import type { PodAttachOptions, PodExecOptions } from '@navarch/proto/k8s/io/api/core/v1/core';
import {
  spdyCommand, spdyCommandProtocol, SpdyPortForward, spdyPortForwardProtocol, upgradeToSpdy,
  type CommandStreams, type PortForwardTarget, type RunningCommand, type Upgraded,
} from '@navarch/streaming';

export interface PodRequest {
  readonly namespace: string;
  readonly pod: string;
  /** Absent: whichever pod has the name. */
  readonly podUid?: string;
}

/**
 * Conversations with a pod's containers: commands (exec), their own process (attach), their ports. Begun when a promise resolves; over
 * when they are closed. NotFound where the pod or container is not here, BadRequest where it does not run.
 */
export interface PodStreams {
  exec(request: PodRequest & { readonly options: PodExecOptions }, signal: AbortSignal): Promise<RunningCommand>;
  attach(request: PodRequest & { readonly options: PodAttachOptions }, signal: AbortSignal): Promise<RunningCommand>;
  portForward(request: PodRequest, signal: AbortSignal): Promise<PortForwardTarget>;
}

/** The part of a pod's worker that conversations need. */
export interface StreamedPod {
  readonly sandboxId: string | undefined;
  containerFor(name: string, previous: boolean): { readonly id: string; readonly running: boolean } | undefined;
}

export interface PodStreamsOptions {
  readonly workers: { byName(namespace: string, name: string, uid?: string): StreamedPod | undefined };
  readonly runtime: Pick<ContainerRuntime, 'exec' | 'attach' | 'portForward'>;
}

/**
 * By way of the runtime's own streaming server, which gives a URL for each conversation and listens in this node's network namespace.
 * SPDY, because containerd 1.6 has no WebSocket protocol in which stdin could be half-closed.
 */
export function createPodStreams({ workers, runtime }: PodStreamsOptions): PodStreams {
  const find = ({ namespace, pod, podUid }: PodRequest): StreamedPod => {
    const found = workers.byName(namespace, pod, podUid);
    if (!found) throw new ApiError('NotFound', `pod "${namespace}/${pod}" not found`);
    return found;
  };
  const containerOf = (request: PodRequest, name: string): string => {
    const found = find(request).containerFor(name, false);
    if (!found) throw new ApiError('NotFound', `container not found ("${name}")`);
    if (!found.running) throw new ApiError('BadRequest', `container "${name}" in pod "${request.pod}" is not running`);
    return found.id;
  };
  return {
    async exec({ options, ...request }, signal) {
      const streams = streamsOf(options);
      const url = await runtime.exec(containerOf(request, options.container ?? ''), options.command ?? [], streams, { signal });
      return spdyCommand((await upgrade(url, spdyCommandProtocol, signal)).transport, streams);
    },
    async attach({ options, ...request }, signal) {
      const streams = streamsOf(options);
      const url = await runtime.attach(containerOf(request, options.container ?? ''), streams, { signal });
      return spdyCommand((await upgrade(url, spdyCommandProtocol, signal)).transport, streams);
    },
    async portForward(request, signal) {
      const { sandboxId } = find(request);
      if (sandboxId === undefined) throw new ApiError('BadRequest', `pod "${request.pod}" is not running`);
      const url = await runtime.portForward(sandboxId, { signal });
      return new SpdyPortForward((await upgrade(url, spdyPortForwardProtocol, signal)).transport);
    },
  };
}

const streamsOf = ({ stdin = false, stdout = false, stderr = false, tty = false }: PodAttachOptions): CommandStreams => ({ stdin, stdout, stderr: stderr && !tty, tty });

async function upgrade(url: string, protocol: string, signal: AbortSignal): Promise<Upgraded> {
  try {
    return await upgradeToSpdy(url, [protocol], signal);
  } catch (error) {
    if (signal.aborted) throw new ApiError('Canceled', 'the caller has gone', {}, { cause: error });
    throw new ApiError('Unavailable', `the runtime's streaming server cannot be used: ${(error as Error).message}`, {}, { cause: error });
  }
}
