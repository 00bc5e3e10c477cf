import { runKubelet } from '../../apps/kubelet/src/app';
import { defaultConfig } from '../../apps/kubelet/src/config';
import type { Host } from '../../apps/kubelet/src/host/host';
import { ApiError, type Clock, type Logger, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { ContainerRuntime } from '@navarch/cri';

export interface SimulatedKubeletOptions {
  readonly nodeName: string;
  readonly client: ApiClient;
  /** Outlives the kubelet, as a real one does. */
  readonly runtime: ContainerRuntime;
  /** The node's disk; outlives the kubelet too. */
  readonly host: Host;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly life: AbortSignal;
  /** Told of each container that runs. */
  readonly onStarted?: () => void;
}

/** The real kubelet on a runtime that it loses hold of when it dies. */
export function simulatedKubelet({ nodeName, client, runtime, host, clock, random, logger, life, onStarted }: SimulatedKubeletOptions): { close(): Promise<void> } {
  const address = `10.89.0.${Number(/\d+$/.exec(nodeName)?.[0] ?? 1)}`;
  const kubelet = runKubelet({
    nodeName, client, runtime: whileAlive(runtime, life, onStarted), host, clock, random, logger,
    config: { ...defaultConfig, addresses: [address] },
  });
  kubelet.catch(() => undefined);
  return { close: async () => (await kubelet).close() };
}

const streams = new Set<PropertyKey>(['events', 'close']);

/** Calls of a dead process reach the runtime no more; what was under way completes there, and nobody hears of it. */
function whileAlive(runtime: ContainerRuntime, life: AbortSignal, onStarted?: () => void): ContainerRuntime {
  return new Proxy(runtime, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      const method = member.bind(target) as (...args: unknown[]) => unknown;
      if (name === 'events') return (signal: AbortSignal) => method(AbortSignal.any([signal, life]));
      if (streams.has(name)) return method;
      return async (...args: unknown[]): Promise<unknown> => {
        if (life.aborted) throw new ApiError('Unavailable', 'simulated: the process is dead');
        const result = await method(...args);
        if (name === 'startContainer') onStarted?.();
        if (life.aborted) throw new ApiError('Unavailable', 'simulated: the process is dead');
        return result;
      };
    },
  });
}
