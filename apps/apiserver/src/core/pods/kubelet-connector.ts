import type { Node, PodAttachOptions, PodExecOptions, PodLogOptions } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { StatsResponse } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';
import type { PortForwardTarget, RunningCommand } from '@navarch/streaming';

/** A pod as its kubelet finds it; the uid keeps a later pod of the same name apart. */
export interface KubeletPodRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
}

/** `options` have `container` always set. */
interface WithOptions<Options> extends KubeletPodRequest {
  readonly options: Options;
}

export type ContainerLogRequest = WithOptions<PodLogOptions>;
export type ExecRequest = WithOptions<PodExecOptions>;
export type AttachRequest = WithOptions<PodAttachOptions>;

/**
 * How the apiserver reaches a node's kubelet. Unavailable where it cannot. Commands and port-forwards last until they are closed, or the
 * signal aborts; a promise of one resolves when it has begun.
 */
export interface KubeletConnector {
  containerLog(node: Node, request: ContainerLogRequest, signal: AbortSignal): AsyncIterable<Uint8Array>;
  exec(node: Node, request: ExecRequest, signal: AbortSignal): Promise<RunningCommand>;
  attach(node: Node, request: AttachRequest, signal: AbortSignal): Promise<RunningCommand>;
  portForward(node: Node, request: KubeletPodRequest, signal: AbortSignal): Promise<PortForwardTarget>;
  /** Connections from the node to an IP address; '' means the kubelet's own HTTP server, at whatever port. */
  dial(node: Node, address: string, signal: AbortSignal): Promise<PortForwardTarget>;
  /** What the node and its pods use. */
  stats(node: Node, signal: AbortSignal): Promise<StatsResponse>;
}

/** For servers without nodes to reach: benchmarks, simulations, tests. Every call fails with `why`. */
export function noKubelets(why: Error): KubeletConnector {
  const refuse = (): never => { throw why; };
  return { containerLog: refuse, exec: () => Promise.reject(why), attach: () => Promise.reject(why), portForward: () => Promise.reject(why), dial: () => Promise.reject(why), stats: () => Promise.reject(why) };
}
