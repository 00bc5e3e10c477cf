import type { ContainerStatus, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { findCondition, isConditionTrue } from '../meta/conditions';
import { durationText } from '../scalars/age';
import { timeToMs } from '../scalars/time';
import { isSidecar } from './requests';

/** The Ready condition is True. */
export function isPodReady(pod: Pod): boolean {
  return isConditionTrue(pod.status?.conditions, 'Ready');
}

/** Succeeded or Failed: the pod never runs again. */
export function isPodTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** The READY, STATUS and RESTARTS that `kubectl get pods` shows. */
export interface PodSummary {
  readonly ready: string;
  readonly status: string;
  readonly restarts: string;
}

export function podSummary(pod: Pod, nowMs: number): PodSummary {
  const start = startReason(pod);
  const init = initReason(pod);
  const running = init === undefined || isConditionTrue(pod.status?.conditions, 'Initialized');
  const status = deletionReason(pod) ?? (running ? runningReason(pod, init ?? start) : (init ?? start));
  return { ready: readyText(pod), status, restarts: restartsText(pod, running, nowMs) };
}

function startReason({ status }: Pod): string {
  if (findCondition(status?.conditions, 'PodScheduled')?.reason === 'SchedulingGated') return 'SchedulingGated';
  return status?.reason || status?.phase || '';
}

function deletionReason({ metadata, status }: Pod): string | undefined {
  if (!metadata?.deletionTimestamp) return undefined;
  if (status?.reason === 'NodeLost') return 'Unknown';
  return status?.phase === 'Succeeded' || status?.phase === 'Failed' ? undefined : 'Terminating';
}

/** Why initialization has not ended; undefined when it has. */
function initReason({ spec, status }: Pod): string | undefined {
  const containers = spec?.initContainers ?? [];
  const sidecars = sidecarNames(containers);
  for (const [index, { name = '', state, started }] of (status?.initContainerStatuses ?? []).entries()) {
    if (state?.terminated && (state.terminated.exitCode ?? 0) === 0) continue;
    if (sidecars.has(name) && started === true) continue;
    if (state?.terminated) return `Init:${terminatedReason(state.terminated)}`;
    if (state?.waiting?.reason && state.waiting.reason !== 'PodInitializing') return `Init:${state.waiting.reason}`;
    return `Init:${index}/${containers.length}`;
  }
  return undefined;
}

function terminatedReason({ reason, signal, exitCode }: { reason?: string | undefined; signal?: number | undefined; exitCode?: number | undefined }): string {
  if (reason) return reason;
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`;
}

function runningReason(pod: Pod, start: string): string {
  let reason = start;
  let errorReason = '';
  let hasRunning = false;
  for (const { state, ready } of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    if (state?.waiting?.reason) {
      reason = state.waiting.reason;
    } else if (state?.terminated) {
      reason = terminatedReason(state.terminated);
      if ((state.terminated.exitCode ?? 0) !== 0) errorReason = reason;
    } else if (ready && state?.running) {
      hasRunning = true;
    }
  }
  if (reason !== 'Completed') return reason;
  if (hasRunning && isPodReady(pod)) return 'Running';
  return errorReason || (hasRunning ? 'NotReady' : reason);
}

function readyText({ spec, status }: Pod): string {
  const sidecars = sidecarNames(spec?.initContainers ?? []);
  const readySidecars = (status?.initContainerStatuses ?? []).filter(({ name = '', started, ready }) => sidecars.has(name) && started && ready);
  const ready = (status?.containerStatuses ?? []).filter((one) => one.ready && one.state?.running);
  return `${ready.length + readySidecars.length}/${(spec?.containers?.length ?? 0) + sidecars.size}`;
}

function restartsText({ spec, status }: Pod, running: boolean, nowMs: number): string {
  const sidecars = sidecarNames(spec?.initContainers ?? []);
  const inits = status?.initContainerStatuses ?? [];
  const counted = running ? [...(status?.containerStatuses ?? []), ...inits.filter(({ name = '' }) => sidecars.has(name))] : inits;
  const restarts = counted.reduce((total, { restartCount = 0 }) => total + restartCount, 0);
  const last = Math.max(...counted.map(lastFinishedMs), -Infinity);
  return restarts > 0 && last > -Infinity ? `${restarts} (${durationText(nowMs - last)} ago)` : String(restarts);
}

function lastFinishedMs({ lastState }: ContainerStatus): number {
  return timeToMs(lastState?.terminated?.finishedAt) ?? -Infinity;
}

function sidecarNames(containers: readonly { name?: string | undefined; restartPolicy?: string | undefined }[]): ReadonlySet<string> {
  return new Set(containers.filter(isSidecar).map(({ name = '' }) => name));
}
