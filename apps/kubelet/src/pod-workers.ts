import { backoffDelayMs, sleep, toError } from '@navarch/base';
import type { EventHeaders, Informer } from '@navarch/client';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import { ContainerState, PodSandboxState, type Container, type PodSandbox } from '@navarch/proto/runtime/v1/cri';

import { admit } from './pod/admission';
import { identityOf, identityOfLabels, type PodIdentity } from './pod/identity';
import { nothingObserved } from './pod/observed';
import type { PodContext } from './pod/pod-context';
import { PodWorker, signatureOf } from './pod/worker';

export interface PodWorkersOptions {
  readonly context: PodContext;
  readonly pods: Informer<Pod>;
  readonly node: () => Node;
  readonly signal: AbortSignal;
}

interface Listed {
  readonly identity: PodIdentity;
  readonly sandboxes: PodSandbox[];
  readonly containers: Container[];
}

/** Where events tell what changes, the listing is a safety net; without them it is how exits are seen. */
const relistMs = 10_000;
const relistWithoutEventsMs = 1_000;
const relistBackoff = { initialMs: 200, maxMs: 5_000 };

/**
 * One worker for each pod that is bound to the node or that the runtime still holds. A pod's worker exists before anything is done for
 * it, and until nothing of it is left: so a uid without a worker is an orphan.
 */
export class PodWorkers {
  private readonly workers = new Map<string, PodWorker>();
  private hasEvents = false;
  private wakeLister: (() => void) | undefined;

  constructor(private readonly options: PodWorkersOptions) {}

  /** Takes every pod in hand; resolves when API and runtime have both been listed. */
  async start(): Promise<void> {
    const { pods, signal } = this.options;
    const [listed] = await Promise.all([this.firstListing(), pods.synced]);
    signal.throwIfAborted();
    pods.onChange(({ type, object, old, headers }) => {
      // A name can come back with another uid between two looks.
      if (old && identityOf(old).uid !== identityOf(object).uid) this.find(old)?.forget(old);
      if (type === 'DELETED') this.find(object)?.forget(object);
      else this.take(object, headers, undefined);
    });
    const oldestFirst = [...pods.list()].sort((a, b) => (a.metadata?.creationTimestamp?.seconds ?? 0) - (b.metadata?.creationTimestamp?.seconds ?? 0));
    // Those that run already have their room before others ask for it.
    const holds = (pod: Pod): boolean => listed.has(identityOf(pod).uid);
    for (const pod of [...oldestFirst.filter(holds), ...oldestFirst.filter((entry) => !holds(entry))]) {
      this.take(pod, pods.headers(identityOf(pod).namespace, identityOf(pod).name), listed);
    }
    this.compare(listed);
    this.followEvents().catch((error: unknown) => this.options.context.logger.error('runtime events ended', { error: toError(error).message })).finally(() => { this.hasEvents = false; });
    void this.relistForEver();
  }

  close(): void {
    for (const worker of this.workers.values()) worker.close();
    this.workers.clear();
  }

  byName(namespace: string, name: string, uid?: string): PodWorker | undefined {
    const found = [...this.workers.values()].filter(({ identity }) => identity.namespace === namespace && identity.name === name && (!uid || identity.uid === uid));
    return found.at(-1);
  }

  private find(pod: Pod): PodWorker | undefined {
    return this.workers.get(identityOf(pod).uid);
  }

  private take(pod: Pod, headers: EventHeaders | undefined, listed: Map<string, Listed> | undefined): void {
    const known = this.find(pod);
    if (known) return known.update(pod);
    const { context, signal } = this.options;
    const { uid } = identityOf(pod);
    if (!uid || signal.aborted) return;
    const held = listed?.has(uid) ?? false;
    const refusal = held || pod.metadata?.deletionTimestamp || pod.status?.startTime || isOver(pod) ? undefined : this.admit(pod);
    if (refusal) context.report(pod, 'Warning', refusal.reason, refusal.message);
    this.workers.set(uid, new PodWorker({
      context, pod, onDone: () => this.workers.delete(uid), ...(headers && { headers }), ...(!held && { observed: nothingObserved }), ...(refusal && { verdict: refusal }),
    }));
  }

  private admit(pod: Pod) {
    const others = [...this.workers.values()].filter((worker) => worker.takesRoom).map((worker) => worker.current);
    return admit(pod, { node: this.options.node(), allocatable: this.options.context.allocatable, others });
  }

  // ---- what the runtime holds

  private async list(): Promise<Map<string, Listed>> {
    const { runtime } = this.options.context;
    const [sandboxes, containers] = await Promise.all([runtime.listPodSandboxes(), runtime.listContainers()]);
    const listed = new Map<string, Listed>();
    const entry = (labels: Readonly<Record<string, string>> | undefined): Listed | undefined => {
      const identity = identityOfLabels(labels);
      if (!identity.uid) return undefined;
      const found = listed.get(identity.uid) ?? { identity, sandboxes: [], containers: [] };
      listed.set(identity.uid, found);
      return found;
    };
    for (const sandbox of sandboxes) entry(sandbox.labels)?.sandboxes.push(sandbox);
    for (const container of containers) entry(container.labels)?.containers.push(container);
    return listed;
  }

  private async firstListing(): Promise<Map<string, Listed>> {
    const { context, signal } = this.options;
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.list();
      } catch (error) {
        context.logger.warn('container runtime does not answer, trying again', { error: toError(error).message });
        await sleep(context.clock, backoffDelayMs(failures, relistBackoff), signal);
      }
    }
  }

  /** Tells each worker whose pod looks different from what it knows; takes orphans in hand, to end them. */
  private compare(listed: ReadonlyMap<string, Listed>): void {
    for (const [uid, { identity, sandboxes, containers }] of listed) {
      const worker = this.workers.get(uid);
      if (!worker) {
        this.options.context.logger.info('removing a pod that the API does not know', { pod: `${identity.namespace}/${identity.name}`, uid });
        this.workers.set(uid, new PodWorker({ context: this.options.context, pod: orphan(identity), orphan: true, onDone: () => this.workers.delete(uid) }));
      } else if (!worker.isBusy && worker.signature !== signatureOf(sandboxes.map(sandboxMark), containers.map(containerMark))) worker.runtimeChanged();
    }
    for (const [uid, worker] of this.workers) if (!listed.has(uid) && !worker.isBusy && worker.signature !== signatureOf([], [])) worker.runtimeChanged();
  }

  private async relistForEver(): Promise<void> {
    const { context, signal } = this.options;
    while (!signal.aborted) {
      const nap = new AbortController();
      this.wakeLister = () => nap.abort();
      const onAbort = (): void => nap.abort();
      signal.addEventListener('abort', onAbort, { once: true });
      await sleep(context.clock, this.hasEvents ? relistMs : relistWithoutEventsMs, nap.signal).catch(() => undefined);
      signal.removeEventListener('abort', onAbort);
      if (signal.aborted) return;
      try {
        const before = new Set(this.workers.keys());
        const listed = await this.list();
        // A pod that came while the list was made is not judged by it.
        for (const uid of listed.keys()) if (!before.has(uid) && this.workers.has(uid)) listed.delete(uid);
        if (!signal.aborted) this.compare(listed);
      } catch (error) {
        if (!signal.aborted) context.logger.debug('listing the runtime failed', { error: toError(error).message });
      }
    }
  }

  private async followEvents(): Promise<void> {
    const { context, signal } = this.options;
    for await (const event of context.runtime.events(signal)) {
      this.hasEvents = true;
      if (event.type === 'resync') this.wakeLister?.();
      else if (event.type !== 'created' && event.type !== 'started') {
        const worker = [...this.workers.values()].find((entry) => entry.owns(event.containerId));
        worker?.runtimeChanged(event.type === 'stopped' ? event.containerId : undefined);
      }
    }
  }
}

const isOver = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

const sandboxMark = ({ id = '', state }: PodSandbox): [string, boolean] => [id, (state ?? PodSandboxState.SANDBOX_READY) === PodSandboxState.SANDBOX_READY];

const stateNames: Readonly<Record<ContainerState, string>> = {
  [ContainerState.CONTAINER_CREATED]: 'created', [ContainerState.CONTAINER_RUNNING]: 'running', [ContainerState.CONTAINER_EXITED]: 'exited', [ContainerState.CONTAINER_UNKNOWN]: 'unknown',
};
const containerMark = ({ id = '', state }: Container): [string, string] => [id, stateNames[state ?? ContainerState.CONTAINER_CREATED]];

/** What is known of a pod that only the runtime knows. Kubernetes gives orphans one second. */
function orphan({ namespace, name, uid }: PodIdentity): Pod {
  return { metadata: { namespace, name, uid }, spec: { terminationGracePeriodSeconds: 1 } };
}
