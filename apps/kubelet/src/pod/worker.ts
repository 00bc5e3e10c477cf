import { backoffDelayMs, isConflict, isNotFound, toError, type CancelTimer, type Logger } from '@navarch/base';
import type { EventHeaders } from '@navarch/client';
import type { ContainerStatus, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { asideOf } from '../logs/log-rotation';
import { startContainer } from './start-container';
import { deadlineMs, decide, type Action } from './decide';
import { identityOf, podPaths, type PodIdentity } from './identity';
import { StartFault } from './images';
import { newMemory, startKey, type Failure, type PodMemory } from './memory';
import { nothingObserved, observedPod, type ObservedPod } from './observed';
import { outcomeOf } from './outcome';
import type { PodContext } from './pod-context';
import { computePodStatus } from './pod-status';
import { PodProbes } from './probes';
import { readContainer, readPod, readSandbox } from './read-pod';
import { imageBackoff, retryBackoff } from './restarts';
import { possiblePodCgroups } from './linux-resources';
import { sandboxConfig } from './sandbox-config';
import { downwardFacts } from './start-container';
import { StartTrace } from './start-trace';
import { StatusWriter } from './status-writer';
import { stopContainer } from './stop-container';
import { hasChangingVolumes, prepareVolumes } from './volumes';

export interface PodWorkerOptions {
  readonly context: PodContext;
  readonly pod: Pod;
  /** What the runtime held of it when it was listed; absent: read it first. */
  readonly observed?: ObservedPod;
  /** Of the watch event that brought it. */
  readonly headers?: EventHeaders;
  /** The API does not know it (any more): end and remove it. */
  readonly orphan?: boolean;
  /** Refused at admission. */
  readonly verdict?: PodMemory['verdict'];
  /** Nothing of it is left. */
  readonly onDone: () => void;
}

const readBackoff = { initialMs: 200, maxMs: 5_000 };
/** How long an exit event may run ahead of the runtime's own status. */
const exitLagMs = [5, 10, 20, 40, 80, 160, 320];
const volumeRefreshMs = 60_000;
const volumeRefreshMinMs = 100;
/** After a failed pull the container says ErrImagePull for so long, then ImagePullBackOff. */
const pullErrorShownMs = 1_000;
const confirmAgainMs = 10_000;

/**
 * One pod's worker: holds what is wanted, what is and what is under way; decides anew whenever one of them changes; runs the
 * actions side by side. Nothing in a pass waits: a slow pull or a long grace holds up nothing else.
 */
export class PodWorker {
  readonly identity: PodIdentity;
  private pod: Pod;
  private observed: ObservedPod;
  private readonly memory: PodMemory = newMemory();
  private readonly context: PodContext;
  private readonly logger: Logger;
  private readonly tasks = new Map<string, AbortController>();
  private readonly probes: PodProbes;
  private readonly status: StatusWriter;
  private readonly trace: StartTrace | undefined;
  /** Containers just made: what is short-lived may end before it was first read. */
  private readonly made = new Set<string>();
  private readonly expectedExits = new Map<string, number>();
  /** The last end whose back-off was reported, by container name. */
  private readonly backOffsTold = new Map<string, string>();
  private cancelWake: CancelTimer | undefined;
  private cancelVolumes: CancelTimer | undefined;
  /** Counts changes of `observed` by tasks: a reading that one of them overtook is read again. */
  private changes = 0;
  private stale: boolean;
  private reading = false;
  private readFailures = 0;
  private closed = false;
  private scheduled = false;

  constructor(private readonly options: PodWorkerOptions) {
    this.context = options.context;
    this.pod = options.pod;
    this.identity = identityOf(options.pod);
    this.observed = options.observed ?? nothingObserved;
    this.stale = options.observed === undefined;
    this.memory.gone = options.orphan ?? false;
    if (options.verdict) this.memory.verdict = options.verdict;
    this.logger = this.context.logger.child({ pod: `${this.identity.namespace}/${this.identity.name}`, uid: this.identity.uid });
    this.probes = new PodProbes(this.context, this.memory.probes, () => this.pod, () => this.wake());
    this.status = new StatusWriter({ client: this.context.pods, clock: this.context.clock, logger: this.logger, currentPod: () => this.pod });
    const isStarting = !options.orphan && !options.verdict && this.observed.containers.length === 0 && !options.pod.metadata?.deletionTimestamp
      && !options.pod.status?.containerStatuses?.some((status) => status.containerID);
    if (isStarting) this.trace = new StartTrace(this.context.clock, this.identity, this.context.nodeName, options.headers);
    this.wake();
  }

  /** The API's newest state of it. */
  update(pod: Pod): void {
    this.pod = pod;
    this.wake();
  }

  /** The API has let go of it. */
  forget(last: Pod): void {
    this.pod = last;
    this.memory.gone = true;
    this.wake();
  }

  /** The runtime may hold something else than when it was read; `exited`: this container has ended, whatever it says. */
  runtimeChanged(exited?: string): void {
    const known = this.observed.containers.find((container) => container.id === exited);
    if (exited !== undefined && this.owns(exited) && known?.state !== 'exited') this.expectedExits.set(exited, 0);
    this.stale = true;
    this.wake();
  }

  owns(id: string): boolean {
    return this.made.has(id) || this.observed.containers.some((container) => container.id === id) || this.observed.sandboxes.some((sandbox) => sandbox.id === id);
  }

  /** What the runtime is known to hold, for comparison with a listing: ids and whether they run. */
  get signature(): string {
    return signatureOf(
      this.observed.sandboxes.map(({ id, ready }) => [id, ready] as const),
      this.observed.containers.map(({ id, state }) => [id, state] as const),
    );
  }

  get isBusy(): boolean {
    return this.tasks.size > 0 || this.stale;
  }

  /** Counted when another pod asks for room on the node. */
  get takesRoom(): boolean {
    return !this.memory.gone && !this.memory.verdict && outcomeOf(this.pod, this.observed, this.memory) === 'open';
  }

  get current(): Pod {
    return this.pod;
  }

  /** The container of that name that logs are asked of: the newest, or with `previous` the one that ended before it. */
  containerFor(name: string, previous: boolean): { readonly id: string; readonly attempt: number; readonly running: boolean } | undefined {
    const all = this.observed.containers.filter((container) => container.name === name);
    const waitsForRestart = all[0]?.state === 'exited' && !!this.computeStatus().containerStatuses?.find((status) => status.name === name)?.state?.waiting;
    const found = previous ? (waitsForRestart ? all[0] : all.slice(1).find((container) => container.state === 'exited')) : all[0];
    return found && { id: found.id, attempt: found.attempt, running: found.state === 'running' };
  }

  /** The sandbox in whose network its containers are, while there is one. */
  get sandboxId(): string | undefined {
    return this.observed.sandboxes.find(({ ready }) => ready)?.id;
  }

  /** Lets go of it: its containers run on. */
  close(): void {
    this.closed = true;
    this.cancelWake?.();
    this.cancelVolumes?.();
    this.probes.close();
    this.status.close();
    for (const task of this.tasks.values()) task.abort(new Error('closed'));
    this.trace?.abandon('kubelet stopped');
  }

  // ---- the loop: one pass at a time, each without waiting

  private wake(): void {
    if (this.scheduled || this.closed) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      if (!this.closed) this.pass();
    });
  }

  private wakeAt(atMs: number): void {
    this.cancelWake?.();
    this.cancelWake = this.context.clock.setTimer(Math.max(0, atMs - this.context.clock.now()), () => this.wake());
  }

  private pass(): void {
    if (this.stale) {
      if (!this.reading) void this.read();
      return;
    }
    this.checkDeadline();
    this.ageFailures();
    this.probes.sync(this.observed);
    const decision = decide({ pod: this.pod, observed: this.observed, memory: this.memory, busy: new Set(this.tasks.keys()), nowMs: this.context.clock.now() });
    for (const action of decision.actions) this.perform(action);
    this.tell();
    const wakes = [decision.wakeAtMs, ...[...this.memory.failures.values()].map((failure) => failure.shownUntilMs)].filter((atMs) => atMs !== undefined);
    if (wakes.length > 0) this.wakeAt(Math.min(...wakes));
  }

  private async read(): Promise<void> {
    this.reading = true;
    const { clock, runtime, host } = this.context;
    try {
      for (;;) {
        const before = this.changes;
        this.stale = false;
        const observed = await readPod(runtime, host.files, this.identity.uid, this.observed);
        if (before !== this.changes) continue;
        this.observed = observed;
        break;
      }
      this.readFailures = 0;
      this.checkExpectedExits();
      this.wake();
    } catch (error) {
      this.stale = true;
      this.readFailures += 1;
      if (this.readFailures === 1) this.logger.warn('runtime does not answer, trying again', { error: toError(error).message });
      clock.setTimer(backoffDelayMs(this.readFailures, readBackoff), () => this.wake());
    } finally {
      this.reading = false;
    }
  }

  /** The runtime tells of an exit some milliseconds before its status shows it: ask again. */
  private checkExpectedExits(): void {
    for (const [id, tries] of [...this.expectedExits]) {
      const container = this.observed.containers.find((entry) => entry.id === id);
      const delayMs = exitLagMs[tries];
      if (container?.state !== 'running' || delayMs === undefined) {
        this.expectedExits.delete(id);
        continue;
      }
      this.expectedExits.set(id, tries + 1);
      this.context.clock.setTimer(delayMs, () => {
        this.stale = true;
        this.wake();
      });
    }
  }

  private checkDeadline(): void {
    const deadline = deadlineMs(this.pod);
    if (deadline === undefined || this.memory.verdict || deadline > this.context.clock.now() || outcomeOf(this.pod, this.observed, this.memory) !== 'open') return;
    this.memory.verdict = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
    this.context.report(this.pod, 'Normal', 'DeadlineExceeded', this.memory.verdict.message);
  }

  /** ErrImagePull becomes ImagePullBackOff while it waits. */
  private ageFailures(): void {
    for (const [key, failure] of this.memory.failures) {
      // It runs after all: what went wrong was the answer.
      if (this.observed.containers.some(({ name, state }) => state === 'running' && startKey(name) === key)) this.memory.failures.delete(key);
      if (failure.shownUntilMs === undefined || failure.shownUntilMs > this.context.clock.now()) continue;
      const name = key.slice(startKey('').length);
      const image = this.containerNamed(name)?.container.image ?? '';
      const message = `Back-off pulling image "${image}"`;
      this.memory.failures.set(key, { ...failure, reason: 'ImagePullBackOff', message: `${message}: ${failure.reason}: ${failure.message}`, shownUntilMs: undefined });
      this.report('Normal', 'BackOff', message, name);
      this.report('Warning', 'Failed', 'Error: ImagePullBackOff', name);
    }
  }

  private computeStatus() {
    return computePodStatus({ pod: this.status.newest(), observed: this.observed, memory: this.memory, nowMs: this.context.clock.now(), hostIps: this.context.hostIps });
  }

  private tell(): void {
    if (this.memory.gone) {
      this.trace?.abandon('pod deleted');
      return;
    }
    const status = this.computeStatus();
    this.status.submit(status);
    this.reportBackOffs([...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]);
    if (status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')) this.trace?.ready();
    else if (this.pod.metadata?.deletionTimestamp || status.phase === 'Succeeded' || status.phase === 'Failed') this.trace?.abandon('pod ended before it was ready');
  }

  // ---- actions

  private perform(action: Action): void {
    switch (action.type) {
      case 'prepareVolumes':
        return this.launch(action.key, () => this.prepareVolumes());
      case 'createSandbox':
        return this.launch(action.key, () => this.createSandbox(action.attempt));
      case 'startContainer':
        return this.launch(action.key, (signal) => startContainer({
          context: this.context, pod: this.pod, observed: this.observed, action, trace: this.trace, signal,
          created: (id) => void this.made.add(id), changed: (id) => this.reread(id, action.sandboxId),
        }));
      case 'stopContainer':
        return this.stop(action);
      case 'stopSandbox':
        return this.launch(action.key, async () => {
          await this.context.runtime.stopPodSandbox(action.sandboxId);
          this.stale = true;
        });
      case 'removeSandbox':
        return this.launch(action.key, async () => {
          await this.context.runtime.removePodSandbox(action.sandboxId);
          this.stale = true;
        });
      case 'removeContainer':
        return this.launch(action.key, () => this.removeContainer(action.target));
      case 'cancelStarts':
        for (const [key, task] of this.tasks) if (key.startsWith('start/')) task.abort(new Error('the pod ends'));
        return;
      case 'removeVolumes':
        return this.launch(action.key, () => this.removeVolumes());
      case 'confirmDeletion':
        return this.launch(action.key, () => this.confirmDeletion());
      case 'removeAll':
        return this.launch(action.key, () => this.removeAll());
    }
  }

  /** Runs one task for a key, replacing (and aborting) an older one; its failure is remembered. */
  private launch(key: string, work: (signal: AbortSignal) => Promise<void>): void {
    const control = new AbortController();
    this.tasks.get(key)?.abort(new Error('replaced'));
    this.tasks.set(key, control);
    work(control.signal).then(
      () => this.memory.failures.delete(key),
      (error: unknown) => {
        // After a failure the outcome may be unknown: look before anything else is decided.
        this.stale = true;
        if (!control.signal.aborted) this.remember(key, error);
      },
    ).finally(() => {
      if (this.tasks.get(key) === control) this.tasks.delete(key);
      this.wake();
    });
  }

  private remember(key: string, thrown: unknown): void {
    const error = toError(thrown);
    const reason = thrown instanceof StartFault ? thrown.reason : 'Error';
    const count = (this.memory.failures.get(key)?.count ?? 0) + 1;
    const nowMs = this.context.clock.now();
    const isPull = reason === 'ErrImagePull';
    const delayMs = reason === 'RunContainerError' || reason === 'PostStartHookError' ? 0 : backoffDelayMs(count, isPull ? imageBackoff : retryBackoff);
    const failure: Failure = { reason, message: error.message, count, retryAtMs: nowMs + delayMs, ...(isPull && { shownUntilMs: nowMs + pullErrorShownMs }) };
    this.memory.failures.set(key, failure);
    this.logger.warn('pod action failed', { action: key, reason, error: error.message, retryAfterMs: delayMs });
  }

  private async createSandbox(attempt: number): Promise<void> {
    const make = async (): Promise<void> => {
      const id = await this.context.runtime.runPodSandbox(sandboxConfig(this.pod, attempt, this.context.settings));
      const sandbox = await readSandbox(this.context.runtime, id);
      this.observe({ sandboxes: [sandbox] });
    };
    try {
      await (this.trace ? this.trace.step('kubelet.sandbox', undefined, make) : make());
    } catch (error) {
      this.report('Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${toError(error).message}`);
      throw error;
    }
  }

  private async prepareVolumes(): Promise<void> {
    const { host, random, tokens, settings } = this.context;
    const sources = this.memory.volumesReady ? this.context.refreshSources : this.context.sources;
    try {
      await prepareVolumes(this.pod, { host, random, sources, tokens, facts: downwardFacts(this.context, this.observed, this.pod), paths: settings, nodeName: this.context.nodeName });
      this.memory.volumesReady = true;
    } catch (error) {
      this.report('Warning', 'FailedMount', toError(error).message);
      throw error;
    } finally {
      // Also where it failed this time: what runs must not be left behind for good.
      if (this.memory.volumesReady && hasChangingVolumes(this.pod)) this.refreshVolumesLater();
    }
  }

  private refreshVolumesLater(): void {
    this.cancelVolumes?.();
    const { clock, refreshPhase } = this.context;
    const untilMs = volumeRefreshMs - Math.floor((clock.monotonic() + refreshPhase * volumeRefreshMs) % volumeRefreshMs);
    // A timer that was a little early has had its moment.
    this.cancelVolumes = clock.setTimer(untilMs < volumeRefreshMinMs ? untilMs + volumeRefreshMs : untilMs, () => {
      // What runs keeps its files; only what they hold is brought up to date.
      if (!this.closed && this.takesRoom && !this.pod.metadata?.deletionTimestamp && !this.tasks.has('volumes')) this.launch('volumes', () => this.prepareVolumes());
    });
  }

  private stop(action: Extract<Action, { type: 'stopContainer' }>): void {
    const { target, graceSeconds } = action;
    const isFirst = !this.memory.stopBy.has(target.id);
    this.memory.stopBy.set(target.id, this.context.clock.now() + graceSeconds * 1000);
    this.launch(action.key, async (signal) => {
      await stopContainer({ context: this.context, pod: this.pod, observed: this.observed, action, isFirst, signal });
      await this.reread(target.id, target.sandboxId);
    });
  }

  private async removeContainer({ id, name, attempt }: { id: string; name: string; attempt: number }): Promise<void> {
    await this.context.runtime.removeContainer(id);
    const paths = podPaths(this.context.settings, this.identity);
    const log = `${paths.logs}/${paths.log(name, attempt)}`;
    for (const file of [log, ...(await asideOf(this.context.host.files, log))]) await this.context.host.files.remove(file);
    await this.context.host.files.remove(`${paths.container(name)}/termination-${attempt}`);
    this.stale = true;
  }

  private async removeVolumes(): Promise<void> {
    this.cancelVolumes?.();
    this.context.tokens.forget(this.identity.uid);
    await this.context.host.files.remove(podPaths(this.context.settings, this.identity).root);
    this.memory.volumesRemoved = true;
  }

  /** Only when the API knows the end of every container may it forget the pod. */
  private async confirmDeletion(): Promise<void> {
    this.status.submit(this.computeStatus());
    await this.status.flushed();
    const { namespace, name, uid } = this.identity;
    try {
      await this.context.pods.delete(namespace, name, { deleteOptions: { gracePeriodSeconds: 0, preconditions: { uid } } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
    // Its DELETED event ends this worker.
    this.memory.confirmAgainAtMs = this.context.clock.now() + confirmAgainMs;
  }

  private async removeAll(): Promise<void> {
    const { runtime, host, settings } = this.context;
    for (const { id } of this.observed.sandboxes) {
      await runtime.stopPodSandbox(id);
      await runtime.removePodSandbox(id);
    }
    // Containers whose sandbox the runtime has lost.
    for (const { id } of this.observed.containers) await runtime.removeContainer(id);
    const paths = podPaths(settings, this.identity);
    this.context.tokens.forget(this.identity.uid);
    await host.files.remove(paths.root);
    await host.files.remove(paths.logs);
    await Promise.all(possiblePodCgroups(settings.cgroupRoot, this.identity.uid).map((path) => host.removeCgroup(path)));
    this.close();
    this.options.onDone();
  }

  // ---- small parts

  private observe(change: { sandboxes?: ObservedPod['sandboxes']; containers?: ObservedPod['containers'] }): void {
    this.changes += 1;
    // An end is for ever: an answer that was under way when it was heard of does not undo it.
    const containers = (change.containers ?? []).filter(({ id }) => !this.observed.containers.some((known) => known.id === id && known.state === 'exited'));
    for (const { id } of containers) this.made.delete(id);
    this.observed = observedPod([...this.observed.sandboxes, ...(change.sandboxes ?? [])], [...this.observed.containers, ...containers]);
  }

  private async reread(id: string, sandboxId: string): Promise<void> {
    this.observe({ containers: [await readContainer(this.context.runtime, this.context.host.files, id, sandboxId)] });
    this.wake();
  }

  private containerNamed(name: string) {
    const init = this.pod.spec?.initContainers?.find((container) => container.name === name);
    const container = init ?? this.pod.spec?.containers?.find((entry) => entry.name === name);
    return container && { container, isInit: init !== undefined };
  }

  private report(type: 'Normal' | 'Warning', reason: string, message: string, containerName?: string): void {
    const found = containerName === undefined ? undefined : this.containerNamed(containerName);
    this.context.report(this.pod, type, reason, message, found && { name: containerName ?? '', isInit: found.isInit });
  }

  /** Once for each end that is followed by a wait. */
  private reportBackOffs(statuses: readonly ContainerStatus[]): void {
    const { namespace, name, uid } = this.identity;
    for (const { name: container = '', state, containerID = '' } of statuses) {
      if (state?.waiting?.reason !== 'CrashLoopBackOff' || this.backOffsTold.get(container) === containerID) continue;
      this.backOffsTold.set(container, containerID);
      this.report('Warning', 'BackOff', `Back-off restarting failed container ${container} in pod ${name}_${namespace}(${uid})`, container);
    }
  }
}

/** The same text for the same state, whoever read it. */
export function signatureOf(sandboxes: readonly (readonly [string, boolean])[], containers: readonly (readonly [string, string])[]): string {
  return JSON.stringify([[...sandboxes].map((pair) => pair.join()).sort(), [...containers].map((pair) => pair.join()).sort()]);
}

