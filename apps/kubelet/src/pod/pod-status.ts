/** What the API is told of a pod: computed whole from what is wanted and what is, as kube-apiserver's readers expect it. Pure. */
import { isSidecar, qosClassOf, timeFromMs } from '@navarch/api';
import type { Container, ContainerStatus, Pod, PodCondition, PodStatus } from '@navarch/proto/k8s/io/api/core/v1/core';

import { containerStatuses, isSettled, type StatusInput } from './container-status';
import { outcomeOf } from './outcome';

export type { StatusInput } from './container-status';

type Condition = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

/** Conditions that only the kubelet writes; all others are kept as they stand. */
export const ownConditions = ['PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready'] as const;

export function computePodStatus(input: StatusInput): PodStatus {
  const { pod, observed, memory, nowMs, hostIps } = input;
  const init = containerStatuses(input, pod.spec?.initContainers ?? [], true);
  const main = containerStatuses(input, pod.spec?.containers ?? [], false);
  const phase = phaseOf(input, init, main);
  const addresses = podAddresses(input);
  const verdict = memory.verdict ?? (pod.status?.reason ? { reason: pod.status.reason, message: pod.status.message ?? '' } : undefined);
  return {
    phase, ...(verdict && (phase === 'Failed' || memory.verdict) && verdict),
    conditions: mergeConditions(pod, conditionsOf(input, phase, init, main), nowMs),
    startTime: pod.status?.startTime ?? timeFromMs(nowMs), qosClass: pod.status?.qosClass ?? qosClassOf(pod.spec ?? {}),
    ...(hostIps[0] && { hostIP: hostIps[0], hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(addresses[0] && { podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) }),
    ...(init.length > 0 && { initContainerStatuses: init }), containerStatuses: main,
    ...(pod.metadata?.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    ...(observed && pod.status?.nominatedNodeName && { nominatedNodeName: pod.status.nominatedNodeName }),
  };
}

/** A pod that has ended keeps the addresses it had. */
function podAddresses({ pod, observed, hostIps }: StatusInput): readonly string[] {
  const [sandbox] = observed.sandboxes;
  if (pod.spec?.hostNetwork) return sandbox || pod.status?.podIP ? hostIps : [];
  return sandbox?.addresses.length ? sandbox.addresses : (pod.status?.podIPs ?? []).map((entry) => entry.ip ?? '');
}

// ---- phase (Kubernetes' getPhase)

interface Counts { pending: number; failed: number; sidecarsRunning: number }

function countInit(pod: Pod, statuses: readonly ContainerStatus[]): Counts {
  const counts: Counts = { pending: 0, failed: 0, sidecarsRunning: 0 };
  statuses.forEach((status, index) => {
    const isSide = isSidecar(pod.spec?.initContainers?.[index] ?? {});
    const ended = status.state?.terminated ?? (status.state?.waiting && status.lastState?.terminated);
    if (isSide) {
      if (status.state?.running) counts.sidecarsRunning += 1;
      if (!status.started && !ended) counts.pending += 1;
    } else if (!ended) counts.pending += 1;
    else if ((ended.exitCode ?? 0) !== 0) counts.failed += 1;
  });
  return counts;
}

export function phaseOf(input: StatusInput, init: readonly ContainerStatus[], main: readonly ContainerStatus[]): string {
  const { pod, observed, memory } = input;
  const outcome = outcomeOf(pod, observed, memory);
  // The phase says that it has ended only when nothing runs any more.
  if (outcome !== 'open' && isSettled(input)) return outcome;
  if (outcome !== 'open') return pod.status?.phase ?? 'Running';
  const inits = countInit(pod, init);
  const running = main.filter((status) => status.state?.running).length;
  const stopped = main.filter((status) => status.state?.terminated ?? status.lastState?.terminated);
  const waiting = main.filter((status) => status.state?.waiting && !status.lastState?.terminated).length;
  const isEnding = pod.metadata?.deletionTimestamp !== undefined || memory.gone;
  if (isEnding && isSettled(input) && stopped.length === main.length) return stopped.every(succeeded) ? 'Succeeded' : 'Failed';
  const begun = running > 0 || stopped.length > 0;
  if (!begun && (inits.pending > 0 || inits.failed > 0)) return 'Pending';
  if (waiting > 0) return 'Pending';
  return running > 0 || stopped.length > 0 ? 'Running' : 'Pending';
}

const succeeded = (status: ContainerStatus): boolean => ((status.state?.terminated ?? status.lastState?.terminated)?.exitCode ?? 0) === 0;

// ---- conditions

function conditionsOf(input: StatusInput, phase: string, init: readonly ContainerStatus[], main: readonly ContainerStatus[]): Condition[] {
  const { pod, observed } = input;
  const [sandbox] = observed.sandboxes;
  const hasNetwork = sandbox?.ready === true && (sandbox.addresses.length > 0 || pod.spec?.hostNetwork === true);
  const containers = readyCondition('ContainersReady', phase, pod.spec?.initContainers ?? [], init, main);
  return [
    { type: 'PodReadyToStartContainers', status: hasNetwork ? 'True' : 'False' },
    initializedCondition(pod, phase, init, main),
    readinessGates(pod, { ...containers, type: 'Ready' }),
    containers,
  ];
}

function initializedCondition(pod: Pod, phase: string, init: readonly ContainerStatus[], main: readonly ContainerStatus[]): Condition {
  if (phase === 'Succeeded') return { type: 'Initialized', status: 'True', reason: 'PodCompleted' };
  const begun = main.some((status) => status.state?.running ?? status.state?.terminated ?? status.lastState?.terminated);
  const incomplete = init.filter((status, index) => (isSidecar(pod.spec?.initContainers?.[index] ?? {}) ? !status.started : !status.ready)).map((status) => status.name);
  if (begun || incomplete.length === 0) return { type: 'Initialized', status: 'True' };
  return { type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${incomplete.join(' ')}]` };
}

function readyCondition(type: string, phase: string, initSpecs: readonly Container[], init: readonly ContainerStatus[], main: readonly ContainerStatus[]): Condition {
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const counted = [...init.filter((_status, index) => isSidecar(initSpecs[index] ?? {})), ...main];
  const unready = counted.filter((status) => !status.ready).map((status) => status.name);
  if (unready.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
}

/** KEP-580: conditions that others write must be True as well. */
function readinessGates(pod: Pod, ready: Condition): Condition {
  if (ready.status !== 'True') return ready;
  const complaints = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const found = pod.status?.conditions?.find((condition) => condition.type === conditionType);
    if (!found) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return found.status === 'True' ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`];
  });
  return complaints.length ? { ...ready, status: 'False', reason: 'ReadinessGatesNotReady', message: complaints.join(', ') } : ready;
}

/** The kubelet's conditions in the pod's list: times change only with the status; what others wrote stays. */
export function mergeConditions(pod: Pod, own: readonly Condition[], nowMs: number): PodCondition[] {
  const before = pod.status?.conditions ?? [];
  const generation = pod.metadata?.generation;
  const mine = own.map((condition): PodCondition => {
    const old = before.find((entry) => entry.type === condition.type);
    const since = old?.status === condition.status && old?.lastTransitionTime ? old.lastTransitionTime : timeFromMs(nowMs);
    return { ...condition, lastTransitionTime: since, ...(generation !== undefined && { observedGeneration: generation }) };
  });
  const foreign = before.filter((entry) => !(ownConditions as readonly string[]).includes(entry.type ?? ''));
  return [...mine, ...foreign];
}
