import { ContainerState, PodSandboxState, type ContainerStatus, type PodSandboxStatus } from '@navarch/proto/runtime/v1/cri';

import { annotations, labels } from './identity';

export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly createdAtMs: number;
  /** Absent where it never ran. */
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly exitCode: number;
  readonly reason: string;
  /** The runtime's words (it could not start) or the container's own termination message. */
  readonly message: string;
  readonly image: string;
  readonly imageRef: string;
  readonly hash: string;
  readonly restartCount: number;
  readonly backoffStep: number;
}

export interface ObservedSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdAtMs: number;
  /** Empty on the host's network. */
  readonly addresses: readonly string[];
}

/** What the runtime holds of one pod; newest first in both lists. */
export interface ObservedPod {
  readonly sandboxes: readonly ObservedSandbox[];
  readonly containers: readonly ObservedContainer[];
}

export const nothingObserved: ObservedPod = { sandboxes: [], containers: [] };

const states: Readonly<Record<ContainerState, ObservedContainer['state']>> = {
  [ContainerState.CONTAINER_CREATED]: 'created',
  [ContainerState.CONTAINER_RUNNING]: 'running',
  [ContainerState.CONTAINER_EXITED]: 'exited',
  [ContainerState.CONTAINER_UNKNOWN]: 'unknown',
};

/** Milliseconds of CRI's nanoseconds; 0 and absent are "never". */
export function millisOf(nanoseconds: string | undefined): number | undefined {
  const value = BigInt(nanoseconds || '0');
  return value > 0n ? Number(value / 1_000_000n) : undefined;
}

const numberOf = (text: string | undefined): number => Number.parseInt(text ?? '0', 10) || 0;

export function observeContainer(status: ContainerStatus, sandboxId: string, message = status.message ?? ''): ObservedContainer {
  const notes = status.annotations ?? {};
  const startedAtMs = millisOf(status.startedAt);
  const finishedAtMs = millisOf(status.finishedAt);
  return {
    id: status.id ?? '', name: status.labels?.[labels.containerName] ?? status.metadata?.name ?? '', sandboxId, attempt: status.metadata?.attempt ?? 0,
    state: states[status.state ?? ContainerState.CONTAINER_CREATED],
    createdAtMs: millisOf(status.createdAt) ?? 0, ...(startedAtMs !== undefined && { startedAtMs }), ...(finishedAtMs !== undefined && { finishedAtMs }),
    exitCode: status.exitCode ?? 0, reason: status.reason ?? '', message,
    image: status.image?.userSpecifiedImage || (status.image?.image ?? ''), imageRef: status.imageRef ?? '',
    hash: notes[annotations.hash] ?? '', restartCount: numberOf(notes[annotations.restartCount]), backoffStep: numberOf(notes[annotations.backoffStep]),
  };
}

export function observeSandbox(status: PodSandboxStatus): ObservedSandbox {
  const addresses = [status.network?.ip, ...(status.network?.additionalIps ?? []).map((entry) => entry.ip)].filter((ip): ip is string => !!ip);
  return {
    id: status.id ?? '', attempt: status.metadata?.attempt ?? 0,
    ready: (status.state ?? PodSandboxState.SANDBOX_READY) === PodSandboxState.SANDBOX_READY,
    createdAtMs: millisOf(status.createdAt) ?? 0, addresses,
  };
}

/** Sorted, each id once: later entries replace earlier ones. */
export function observedPod(sandboxes: Iterable<ObservedSandbox>, containers: Iterable<ObservedContainer>): ObservedPod {
  const newestFirst = (a: { attempt: number; createdAtMs: number }, b: { attempt: number; createdAtMs: number }): number =>
    b.attempt - a.attempt || b.createdAtMs - a.createdAtMs;
  const byId = <T extends { id: string }>(items: Iterable<T>): T[] => [...new Map([...items].map((item) => [item.id, item])).values()];
  return { sandboxes: byId(sandboxes).sort(newestFirst), containers: byId(containers).sort(newestFirst) };
}

export function latest(observed: ObservedPod, name: string): ObservedContainer | undefined {
  return observed.containers.find((container) => container.name === name);
}

/** Its processes exist, or may: no second one of its name may start. */
export const isAlive = (container: ObservedContainer): boolean => container.state === 'running' || container.state === 'unknown';
