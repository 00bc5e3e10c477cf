import { isSidecar, timeFromMs } from '@navarch/api';
import type { Container, ContainerState, ContainerStatus, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { identityOf, podDescription } from './identity';
import { startKey, type PodMemory } from './memory';
import { latest, type ObservedContainer, type ObservedPod } from './observed';
import { outcomeOf } from './outcome';
import { restartAtMs, restartDelayMs } from './restarts';

export interface StatusInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly memory: PodMemory;
  readonly nowMs: number;
  readonly hostIps: readonly string[];
}

export const containerIdOf = (id: string): string => `containerd://${id}`;

export function containerStatuses(input: StatusInput, containers: readonly Container[], isInit: boolean): ContainerStatus[] {
  const settled = isSettled(input);
  return containers.map((container) => containerStatus(input, container, isInit, settled));
}

/** Nothing runs any more and nothing will: what is still waiting will wait for ever. */
export function isSettled({ pod, observed, memory }: StatusInput): boolean {
  const ends = memory.gone || pod.metadata?.deletionTimestamp !== undefined || outcomeOf(pod, observed, memory) !== 'open';
  return ends && !observed.containers.some((container) => container.state === 'running' || container.state === 'unknown');
}

function containerStatus(input: StatusInput, container: Container, isInit: boolean, settled: boolean): ContainerStatus {
  const { pod, observed, memory } = input;
  const name = container.name ?? '';
  const last = latest(observed, name);
  const known = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find((status) => status.name === name);
  if (!last) return { ...vanished(known, container, settled, waitingState(input, container, isInit, undefined)) };
  const state = stateOf(input, container, isInit, last, settled);
  const previous = state.waiting ? last : observed.containers.find((entry) => entry.name === name && entry.id !== last.id && entry.state === 'exited');
  const lastState = previous?.state === 'exited' ? { terminated: terminated(previous) } : known?.lastState;
  const probe = memory.probes.get(last.id);
  const running = last.state === 'running';
  const ready = isInit && !isSidecar(container) ? state.terminated !== undefined && (state.terminated.exitCode ?? 0) === 0 : running && (probe?.started ?? false) && (probe?.ready ?? false);
  return {
    name, state, ...(lastState && { lastState }), ready, restartCount: last.restartCount, image: container.image ?? last.image, imageID: last.imageRef,
    containerID: containerIdOf(last.id), started: running && (probe?.started ?? false),
    ...(container.resources && { resources: container.resources }), ...(container.resources?.requests && { allocatedResources: container.resources.requests }),
  };
}

/** No container of that name: none yet, or the runtime has lost it. */
function vanished(known: ContainerStatus | undefined, container: Container, settled: boolean, waiting: ContainerState): ContainerStatus {
  const base: ContainerStatus = { name: container.name, image: container.image ?? '', imageID: '', ready: false, started: false, restartCount: known?.restartCount ?? 0 };
  if (!known?.containerID) return { ...base, state: waiting, ...(known?.lastState && { lastState: known.lastState }) };
  const kept = { ...base, imageID: known.imageID ?? '', containerID: known.containerID };
  const lost: ContainerState = known.state?.terminated ? known.state : {
    terminated: { reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated', exitCode: 137 },
  };
  return settled || known.state?.terminated ? { ...kept, state: lost, ...(known.lastState && { lastState: known.lastState }) } : { ...kept, state: waiting, lastState: lost };
}

function stateOf(input: StatusInput, container: Container, isInit: boolean, last: ObservedContainer, settled: boolean): ContainerState {
  switch (last.state) {
    case 'running':
    case 'unknown':
      return { running: last.startedAtMs === undefined ? {} : { startedAt: timeFromMs(last.startedAtMs) } };
    case 'created':
      return waitingState(input, container, isInit, undefined);
    case 'exited':
      return settled || !waitsForRestart(input, container, isInit, last) ? { terminated: terminated(last) } : waitingState(input, container, isInit, last);
  }
}

function waitsForRestart({ pod, memory, nowMs }: StatusInput, container: Container, isInit: boolean, last: ObservedContainer): boolean {
  const policy = pod.spec?.restartPolicy ?? 'Always';
  const restarts = isSidecar(container) || (isInit ? policy !== 'Never' && last.exitCode !== 0 : policy === 'Always' || (policy === 'OnFailure' && last.exitCode !== 0));
  if (!restarts) return false;
  return memory.failures.has(startKey(container.name ?? '')) || (restartDelayMs(last) > 0 && restartAtMs(last) > nowMs);
}

function waitingState({ pod, memory, observed }: StatusInput, container: Container, isInit: boolean, ended: ObservedContainer | undefined): ContainerState {
  const failure = memory.failures.get(startKey(container.name ?? ''));
  const crashing = ended && restartDelayMs(ended) > 0;
  // A container that could not be started is RunContainerError until its back-off says CrashLoopBackOff.
  if (failure && !(crashing && failure.reason === 'RunContainerError')) return { waiting: { reason: failure.reason, message: failure.message } };
  if (crashing) {
    const message = `back-off ${durationText(restartDelayMs(ended))} restarting failed container=${container.name} pod=${podDescription(identityOf(pod))}`;
    return { waiting: { reason: 'CrashLoopBackOff', message } };
  }
  const initializing = !isInit && (pod.spec?.initContainers ?? []).length > 0 && !observed.containers.some((entry) => pod.spec?.containers?.some((main) => main.name === entry.name));
  return { waiting: { reason: initializing || isInit ? 'PodInitializing' : 'ContainerCreating' } };
}

/** As Go prints it: 10s, 2m40s, 5m0s. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

export function terminated(ended: ObservedContainer): NonNullable<ContainerState['terminated']> {
  const { exitCode, reason, message, startedAtMs, finishedAtMs, id } = ended;
  return {
    exitCode, reason: reason || (exitCode === 0 ? 'Completed' : 'Error'), ...(message && { message }), containerID: containerIdOf(id),
    ...(startedAtMs !== undefined && { startedAt: timeFromMs(startedAtMs) }), ...(finishedAtMs !== undefined && { finishedAt: timeFromMs(finishedAtMs) }),
  };
}
