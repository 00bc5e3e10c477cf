/**
 * The kubelet's judgement: from what is wanted, what the runtime holds and what is under way, what to do now. Pure; the worker runs
 * the actions and asks again when anything has changed. One action per `key` at a time: a key that is busy gets no other.
 *
 * Laws (held by decide.spec.ts): never two live containers of one name; nothing starts in a pod that ends; init containers one
 * by one and before the others; what has finished for good is not run again.
 */
import { isSidecar } from '@navarch/api';
import type { Container, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { containerHash } from './identity';
import { startKey, stopKey, type PodMemory } from './memory';
import { isAlive, latest, type ObservedContainer, type ObservedPod } from './observed';
import { nextAttempt, restartAtMs } from './restarts';
import { outcomeOf } from './outcome';

export type Action =
  | { readonly type: 'prepareVolumes'; readonly key: 'volumes' }
  | { readonly type: 'createSandbox'; readonly key: 'sandbox'; readonly attempt: number }
  | { readonly type: 'stopSandbox' | 'removeSandbox'; readonly key: string; readonly sandboxId: string }
  | {
    readonly type: 'startContainer'; readonly key: string; readonly container: Container; readonly isInit: boolean; readonly sandboxId: string;
    readonly attempt: number; readonly restartCount: number; readonly backoffStep: number; readonly existingId?: string;
  }
  | { readonly type: 'stopContainer'; readonly key: string; readonly target: ObservedContainer; readonly graceSeconds: number; readonly message: string }
  | { readonly type: 'removeContainer'; readonly key: string; readonly target: ObservedContainer }
  | { readonly type: 'cancelStarts' }
  | { readonly type: 'removeVolumes'; readonly key: 'volumes' }
  /** Everything has ended and says so in the status: let the API forget the pod. */
  | { readonly type: 'confirmDeletion'; readonly key: 'confirm' }
  /** The API has forgotten it: nothing of it stays on the node. */
  | { readonly type: 'removeAll'; readonly key: 'remove' };

export interface Decision {
  readonly actions: readonly Action[];
  /** When to ask again although nothing has happened. */
  readonly wakeAtMs?: number;
}

export interface Situation {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly memory: PodMemory;
  readonly busy: ReadonlySet<string>;
  readonly nowMs: number;
}

export function decide(situation: Situation): Decision {
  const draft = new Draft(situation);
  const { pod, memory, observed } = situation;
  if (memory.gone || pod.metadata?.deletionTimestamp || outcomeOf(pod, observed, memory) !== 'open') end(draft);
  else run(draft);
  return draft.decision();
}

/** Collects actions, holding the rules that all of them obey. */
class Draft {
  readonly actions: Action[] = [];
  private wakeAtMs: number | undefined;

  constructor(readonly at: Situation) {}

  /** Unless it is under way, or failed so lately that it has to wait. */
  add(action: Exclude<Action, { type: 'cancelStarts' }>): void {
    if (!this.at.busy.has(action.key) && !this.mustWait(action.key)) this.actions.push(action);
  }

  mustWait(key: string): boolean {
    const failure = this.at.memory.failures.get(key);
    return failure !== undefined && this.waitUntil(failure.retryAtMs);
  }

  /** Whether that moment lies ahead. */
  waitUntil(atMs: number): boolean {
    if (atMs <= this.at.nowMs) return false;
    this.wakeAtMs = Math.min(this.wakeAtMs ?? Infinity, atMs);
    return true;
  }

  decision(): Decision {
    return { actions: this.actions, ...(this.wakeAtMs !== undefined && { wakeAtMs: this.wakeAtMs }) };
  }
}

// ---- a pod that runs

function run(draft: Draft): void {
  const { pod, observed, memory, nowMs } = draft.at;
  const deadline = deadlineMs(pod);
  if (deadline !== undefined && deadline > nowMs) draft.waitUntil(deadline);
  const sandbox = observed.sandboxes[0]?.ready ? observed.sandboxes[0] : undefined;
  const strays = observed.containers.filter((container) => isAlive(container) && container.sandboxId !== sandbox?.id);
  for (const container of strays) stop(draft, container, 'Pod sandbox changed, it will be killed and re-created.');
  for (const old of observed.sandboxes.slice(sandbox ? 1 : 0)) if (old.ready) draft.add({ type: 'stopSandbox', key: `sandbox/${old.id}`, sandboxId: old.id });
  if (!memory.volumesReady) draft.add({ type: 'prepareVolumes', key: 'volumes' });
  if (strays.length > 0) return;
  if (!sandbox) {
    draft.add({ type: 'createSandbox', key: 'sandbox', attempt: (observed.sandboxes[0]?.attempt ?? -1) + 1 });
    return;
  }
  if (draft.at.busy.has('sandbox') || draft.at.busy.has(`sandbox/${sandbox.id}`)) return;
  runContainers(draft, sandbox.id);
  sweep(draft, sandbox.id);
}

function runContainers(draft: Draft, sandboxId: string): void {
  const { pod, observed } = draft.at;
  const mains = pod.spec?.containers ?? [];
  const initialized = observed.containers.some((container) => container.sandboxId === sandboxId && mains.some((main) => main.name === container.name));
  for (const container of pod.spec?.initContainers ?? []) {
    const now = observed.containers.find((entry) => entry.name === container.name && entry.sandboxId === sandboxId);
    if (isSidecar(container)) {
      keepRunning(draft, container, true, sandboxId);
      if (!initialized && !isStarted(draft, now)) return;
    } else if (!initialized) {
      if (now?.state === 'exited' && now.exitCode === 0) continue;
      keepRunning(draft, container, true, sandboxId);
      return;
    }
  }
  for (const container of mains) keepRunning(draft, container, false, sandboxId);
}

function isStarted(draft: Draft, container: ObservedContainer | undefined): boolean {
  return container?.state === 'running' && (draft.at.memory.probes.get(container.id)?.started ?? false);
}

/** Starts it, lets it run, stops it to be started anew, or leaves it ended: as its state and the restart policy say. */
function keepRunning(draft: Draft, container: Container, isInit: boolean, sandboxId: string): void {
  const { pod, observed, memory } = draft.at;
  const name = container.name ?? '';
  const alive = observed.containers.find((entry) => entry.name === name && isAlive(entry));
  const last = alive ?? latest(observed, name);
  if (last && alive) {
    const unhealthy = memory.probes.get(last.id)?.unhealthy;
    if (last.state === 'unknown') stop(draft, last, 'Container is in unknown state, try killing it before restart', 0);
    else if (unhealthy) stop(draft, last, `Container ${name} failed ${unhealthy.probe.toLowerCase()} probe, will be restarted`, unhealthy.graceSeconds);
    else if (!isInit && last.hash !== containerHash(container)) stop(draft, last, `Container ${name} definition changed, will be restarted`);
    return;
  }
  const created = last?.state === 'created' && last.sandboxId === sandboxId ? last : undefined;
  if (last?.state === 'exited' && !shouldRestart(pod, container, isInit, last, sandboxId)) return;
  if (!memory.volumesReady) return;
  if (last?.state === 'exited' && draft.waitUntil(restartAtMs(last))) return;
  const next = created ?? nextAttempt(last, countedBefore(pod, name));
  draft.add({
    type: 'startContainer', key: startKey(name), container, isInit, sandboxId, attempt: next.attempt, restartCount: next.restartCount,
    backoffStep: next.backoffStep, ...(created && { existingId: created.id }),
  });
}

function shouldRestart(pod: Pod, container: Container, isInit: boolean, ended: ObservedContainer, sandboxId: string): boolean {
  if (isSidecar(container)) return true;
  const policy = pod.spec?.restartPolicy ?? 'Always';
  // An init container's success counts for its own sandbox only.
  if (isInit) return ended.sandboxId !== sandboxId || (ended.exitCode !== 0 && policy !== 'Never');
  return policy === 'Always' || (policy === 'OnFailure' && ended.exitCode !== 0);
}

/** The restart count of containers that the runtime has lost, as the API remembers it. */
function countedBefore(pod: Pod, name: string): number {
  const known = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find((status) => status.name === name);
  return known?.containerID ? (known.restartCount ?? 0) + 1 : 0;
}

/** Dead containers but the last of each name (for `logs --previous`), and sandboxes that hold nothing any more. */
function sweep(draft: Draft, sandboxId: string): void {
  const { observed, busy } = draft.at;
  if ([...busy].some((key) => key.startsWith('start/'))) return;
  const seen = new Set<string>();
  for (const container of observed.containers) {
    if (container.state !== 'exited') continue;
    if (seen.has(container.name)) draft.add({ type: 'removeContainer', key: `remove/${container.id}`, target: container });
    seen.add(container.name);
  }
  for (const { id, ready } of observed.sandboxes) {
    const isUsed = id === sandboxId || ready || observed.containers.some((container) => container.sandboxId === id);
    if (!isUsed) draft.add({ type: 'removeSandbox', key: `sandbox/${id}`, sandboxId: id });
  }
}

export function deadlineMs(pod: Pod): number | undefined {
  const seconds = pod.spec?.activeDeadlineSeconds;
  const started = pod.status?.startTime?.seconds;
  return seconds === undefined || started === undefined ? undefined : (started + seconds) * 1000;
}

// ---- a pod that ends

function end(draft: Draft): void {
  const { pod, observed, memory, busy } = draft.at;
  if ([...busy].some((key) => key.startsWith('start/') || key === 'sandbox' || key === 'volumes')) {
    draft.actions.push({ type: 'cancelStarts' });
  }
  const alive = observed.containers.filter(isAlive);
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar).map((container) => container.name);
  const rank = (container: ObservedContainer): number => sidecars.indexOf(container.name);
  // Sidecars go last and in reverse order (KEP-753).
  const highest = alive.some((container) => rank(container) < 0) ? -1 : Math.max(...alive.map(rank));
  for (const container of alive) if (rank(container) === highest) stop(draft, container, `Stopping container ${container.name}`);
  const underWay = [...busy].some((key) => key.startsWith('start/') || key === 'sandbox');
  if (alive.length > 0 || underWay) return;
  const ready = observed.sandboxes.filter((sandbox) => sandbox.ready);
  for (const { id } of ready) draft.add({ type: 'stopSandbox', key: `sandbox/${id}`, sandboxId: id });
  if (ready.length > 0 || busy.has('volumes')) return;
  if (memory.gone) {
    draft.add({ type: 'removeAll', key: 'remove' });
  } else if (pod.metadata?.deletionTimestamp) {
    if (!memory.volumesRemoved) draft.add({ type: 'removeVolumes', key: 'volumes' });
    else if (!draft.waitUntil(memory.confirmAgainAtMs)) draft.add({ type: 'confirmDeletion', key: 'confirm' });
  }
}

/** Seconds from now until SIGKILL; Kubernetes gives at least one. */
export function graceSeconds(pod: Pod, memory: PodMemory): number {
  if (memory.verdict?.reason === 'DeadlineExceeded') return Math.max(1, pod.spec?.terminationGracePeriodSeconds ?? 30);
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  // Zero is absent after decoding: a pod that is being deleted without a period was deleted with none.
  const wanted = deletionTimestamp ? deletionGracePeriodSeconds ?? 0 : pod.spec?.terminationGracePeriodSeconds ?? 30;
  return Math.max(1, wanted);
}

/** Stops it, or, where that is under way with a longer grace, again with the shorter one. */
function stop(draft: Draft, target: ObservedContainer, message: string, grace = graceSeconds(draft.at.pod, draft.at.memory)): void {
  const { busy, memory, nowMs } = draft.at;
  const key = stopKey(target.id);
  const shorter = nowMs + grace * 1000 < (memory.stopBy.get(target.id) ?? 0) - 1000;
  if (busy.has(key) ? !shorter : draft.mustWait(key)) return;
  draft.actions.push({ type: 'stopContainer', key, target, graceSeconds: grace, message });
}
