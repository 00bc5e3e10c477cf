import { isSidecar } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { PodMemory } from './memory';
import { latest, type ObservedContainer, type ObservedPod } from './observed';

export type Outcome = 'open' | 'Succeeded' | 'Failed';

/** Whether the pod has ended for good, and how. Once ended it stays so, whatever the runtime still holds. */
export function outcomeOf(pod: Pod, observed: ObservedPod, memory: Pick<PodMemory, 'verdict'>): Outcome {
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') return phase;
  if (memory.verdict) return 'Failed';
  const policy = pod.spec?.restartPolicy ?? 'Always';
  if (policy === 'Always') return 'open';
  const inits = (pod.spec?.initContainers ?? []).filter((container) => !isSidecar(container));
  const ends = (pod.spec?.containers ?? []).map((container) => exitOf(pod, observed, container.name ?? '', policy));
  if (policy === 'Never') {
    const failed = (container: ObservedContainer | undefined): boolean => container?.state === 'exited' && container.exitCode !== 0;
    if (inits.some((container) => failed(latest(observed, container.name ?? '')))) return 'Failed';
    if (ends.includes(undefined) && lostItsSandbox(observed, ends)) return 'Failed';
  }
  if (ends.includes(undefined)) return 'open';
  // Also where the sandbox is gone: it is stopped as soon as all have ended, often before the API has heard of the end.
  if (ends.every((code) => code === 0)) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'open';
}

/** The exit code it ended with for all we know; undefined while it runs or is yet to run. */
function exitOf(pod: Pod, observed: ObservedPod, name: string, policy: string): number | undefined {
  const last = latest(observed, name);
  if (last) return last.state === 'exited' ? last.exitCode : undefined;
  const known = pod.status?.containerStatuses?.find((status) => status.name === name);
  if (!known?.containerID) return undefined;
  if (known.state?.terminated) return known.state.terminated.exitCode ?? 0;
  // It ran, and the runtime has lost it: with Never it must not run again.
  return policy === 'Never' ? 137 : undefined;
}

/** A pod that never restarts does not begin again in a second sandbox. */
function lostItsSandbox(observed: ObservedPod, ends: readonly (number | undefined)[]): boolean {
  const [newest] = observed.sandboxes;
  const alive = observed.containers.some((container) => container.state !== 'exited');
  return newest !== undefined && !newest.ready && !alive && ends.some((code) => code !== undefined);
}
