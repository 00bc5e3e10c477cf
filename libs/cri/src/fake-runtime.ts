import { ApiError, BoundedQueue, randomUuid, sleep, type Clock } from '@navarch/base';
import {
  ContainerState, PodSandboxState,
  type Container, type ContainerConfig, type ContainerStatus, type Image, type PodSandbox, type PodSandboxConfig, type PodSandboxStatus,
} from '@navarch/proto/runtime/v1/cri';

import type { ContainerRuntime, ExecResult, RuntimeCallOptions, RuntimeEvent, StreamSelection } from './container-runtime';
import { FakeAddresses } from './fake-addresses';
import type { FakeBehaviour, FakeContainerPlan, FakeRuntime, FakeRuntimeOptions } from './fake-behaviour';
import { FakeImages, normalized } from './fake-images';

interface FakeSandbox {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly createdAtMs: number;
  readonly address: string;
  ready: boolean;
}

interface FakeContainer {
  readonly id: string;
  readonly sandbox: FakeSandbox;
  readonly config: ContainerConfig;
  readonly plan: FakeContainerPlan;
  readonly createdAtMs: number;
  state: ContainerState;
  startedAtMs?: number;
  finishedAtMs?: number;
  exitCode?: number;
  reason?: string;
  message?: string;
  cancelExit?: () => void;
  readonly waiters: (() => void)[];
}

const nanoseconds = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : `${ms}000000`);
const hasLabels = (labels: Readonly<Record<string, string>> | undefined, wanted: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(wanted).every(([key, value]) => labels?.[key] === value);

/** A container runtime in memory, on the injected clock: for hollow nodes, the simulation and tests. */
export function createFakeRuntime(options: FakeRuntimeOptions): FakeRuntime {
  return new InMemoryRuntime(options);
}

class InMemoryRuntime implements FakeRuntime {
  readonly starts: { podUid: string; name: string; attempt: number; id: string }[] = [];
  mostAtOnce = 0;
  private readonly clock: Clock;
  private readonly behaviour: FakeBehaviour;
  private readonly sandboxes = new Map<string, FakeSandbox>();
  private readonly containers = new Map<string, FakeContainer>();
  private readonly images: FakeImages;
  private readonly listeners = new Set<BoundedQueue<RuntimeEvent>>();
  private process = new AbortController();
  private up = true;
  private networkReady = true;
  private readonly addresses: FakeAddresses;

  constructor(private readonly options: FakeRuntimeOptions) {
    this.clock = options.clock;
    this.behaviour = options.behaviour ?? {};
    this.images = new FakeImages(() => this.newId(), options.images);
    this.addresses = new FakeAddresses(options.addressPrefix ?? '10.244.0');
  }

  // ---- faults

  crash(): void {
    this.up = false;
    this.process.abort(unavailable());
    for (const listener of this.listeners) listener.fail(unavailable());
    this.listeners.clear();
  }

  restart(): void {
    this.process = new AbortController();
    this.up = true;
  }

  reboot(): void {
    for (const container of this.containers.values()) if (container.state === ContainerState.CONTAINER_RUNNING) this.end(container, 255, 'Unknown');
    for (const sandbox of this.sandboxes.values()) sandbox.ready = false;
    this.restart();
  }

  exitContainer(id: string, exitCode: number, reason?: string): void {
    this.end(this.container(id), exitCode, reason);
  }

  exitSandbox(id: string): void {
    this.sandbox(id).ready = false;
    this.emit({ type: 'stopped', containerId: id });
  }

  setNetworkReady(ready: boolean): void {
    this.networkReady = ready;
  }

  setAddressRange(cidr: string): void {
    this.addresses.setRange(cidr);
  }

  serves(address: string): boolean {
    const sandbox = [...this.sandboxes.values()].find((one) => one.ready && one.address === address);
    const running = sandbox ? this.inSandbox(sandbox.id).filter(({ state }) => state === ContainerState.CONTAINER_RUNNING) : [];
    return running.length > 0 && running.every((container) => this.isUp(container));
  }

  // ---- sandboxes

  async version(options?: RuntimeCallOptions) {
    return this.serve('version', '', options, () => ({ name: 'fake', version: '1', apiVersion: 'v1' }));
  }

  async health(options?: RuntimeCallOptions) {
    return this.serve('health', '', options, () => ({
      runtimeReady: true, networkReady: this.networkReady,
      message: this.networkReady ? '' : 'container runtime NetworkReady=false reason:NetworkPluginNotReady message:no network config',
    }));
  }

  async runPodSandbox(config: PodSandboxConfig, options?: RuntimeCallOptions): Promise<string> {
    return this.serve('runPodSandbox', config.metadata?.name ?? '', options, () => {
      const key = (metadata = config.metadata): string => `${metadata?.name}_${metadata?.namespace}_${metadata?.uid}_${metadata?.attempt ?? 0}`;
      for (const other of this.sandboxes.values()) {
        if (key(other.config.metadata) === key()) throw new ApiError('AlreadyExists', `failed to reserve sandbox name "${key()}": name is reserved for "${other.id}"`);
      }
      const id = this.newId();
      const address = this.addresses.take();
      this.sandboxes.set(id, { id, config: structuredClone(config), createdAtMs: this.clock.now(), address, ready: true });
      this.emit({ type: 'started', containerId: id });
      return id;
    });
  }

  async stopPodSandbox(id: string, options?: RuntimeCallOptions): Promise<void> {
    return this.serve('stopPodSandbox', id, options, () => {
      const sandbox = this.sandboxes.get(id);
      if (!sandbox) return;
      for (const container of this.inSandbox(id)) if (container.state === ContainerState.CONTAINER_RUNNING) this.end(container, 137);
      if (sandbox.ready) this.emit({ type: 'stopped', containerId: id });
      sandbox.ready = false;
    });
  }

  async removePodSandbox(id: string, options?: RuntimeCallOptions): Promise<void> {
    return this.serve('removePodSandbox', id, options, () => {
      for (const container of this.inSandbox(id)) this.drop(container);
      const address = this.sandboxes.get(id)?.address;
      if (address !== undefined) this.addresses.giveBack(address);
      this.sandboxes.delete(id);
    });
  }

  async podSandboxStatus(id: string, options?: RuntimeCallOptions): Promise<PodSandboxStatus> {
    return this.serve('podSandboxStatus', id, options, () => {
      const sandbox = this.sandbox(id);
      return { ...this.listedSandbox(sandbox), network: sandbox.ready ? { ip: sandbox.address } : {} };
    });
  }

  async listPodSandboxes(filter: Parameters<ContainerRuntime['listPodSandboxes']>[0] = {}, options?: RuntimeCallOptions): Promise<readonly PodSandbox[]> {
    return this.serve('listPodSandboxes', '', options, () => [...this.sandboxes.values()]
      .map((sandbox) => this.listedSandbox(sandbox))
      .filter((sandbox) => (filter.id === undefined || sandbox.id === filter.id) && (filter.state === undefined || sandbox.state === filter.state)
        && hasLabels(sandbox.labels, filter.labels)));
  }

  // ---- containers

  async createContainer(sandboxId: string, config: ContainerConfig, sandboxConfig: PodSandboxConfig, options?: RuntimeCallOptions): Promise<string> {
    return this.serve('createContainer', config.metadata?.name ?? '', options, () => {
      const sandbox = this.sandbox(sandboxId);
      if (!sandbox.ready) throw new ApiError('Internal', `sandbox container "${sandboxId}" is not running`);
      if (this.images.find(config.image?.image) === undefined) throw new ApiError('NotFound', `failed to get image "${config.image?.image}": not found`);
      for (const other of this.inSandbox(sandboxId)) {
        if (other.config.metadata?.name === config.metadata?.name && (other.config.metadata?.attempt ?? 0) === (config.metadata?.attempt ?? 0)) {
          throw new ApiError('AlreadyExists', `failed to reserve container name: name "${config.metadata?.name}" is reserved for "${other.id}"`);
        }
      }
      const id = this.newId();
      this.containers.set(id, {
        id, sandbox, config: structuredClone(config), plan: this.behaviour.plan?.(config, sandboxConfig) ?? {},
        createdAtMs: this.clock.now(), state: ContainerState.CONTAINER_CREATED, waiters: [],
      });
      return id;
    });
  }

  async startContainer(id: string, options?: RuntimeCallOptions): Promise<void> {
    return this.serve('startContainer', id, options, () => {
      const container = this.container(id);
      if (container.state !== ContainerState.CONTAINER_CREATED) throw new ApiError('Internal', `container "${id}" is in state ${ContainerState[container.state]}`);
      if (container.plan.startError !== undefined) {
        Object.assign(container, { state: ContainerState.CONTAINER_EXITED, exitCode: 128, reason: 'StartError', message: container.plan.startError, startedAtMs: 0, finishedAtMs: this.clock.now() });
        throw new ApiError('Internal', container.plan.startError);
      }
      container.state = ContainerState.CONTAINER_RUNNING;
      container.startedAtMs = this.clock.now();
      this.countStart(container);
      this.behaviour.started?.(container.config, container.sandbox.config);
      this.emit({ type: 'started', containerId: id });
      if (container.plan.exitAfterMs !== undefined) this.endLater(container, container.plan.exitAfterMs, container.plan.exitCode ?? 0, container.plan.exitReason);
    });
  }

  async stopContainer(id: string, graceSeconds: number, options?: RuntimeCallOptions): Promise<void> {
    const { process } = this;
    await this.serve('stopContainer', id, options, () => {
      const container = this.containers.get(id);
      if (container?.state !== ContainerState.CONTAINER_RUNNING) return;
      const onTerm = container.plan.onTerm ?? { exitCode: 143, afterMs: 0 };
      if (graceSeconds <= 0) this.end(container, 137);
      else if (onTerm !== 'ignore' && onTerm.afterMs === 0) this.end(container, onTerm.exitCode);
      else if (onTerm !== 'ignore' && onTerm.afterMs < graceSeconds * 1000) this.endLater(container, onTerm.afterMs, onTerm.exitCode);
      else this.endLater(container, graceSeconds * 1000, 137);
    });
    const container = this.containers.get(id);
    if (container?.state !== ContainerState.CONTAINER_RUNNING) return;
    // The SIGKILL that is to come is the runtime's own doing: a crash in between takes it away.
    process.signal.addEventListener('abort', () => container.cancelExit?.(), { once: true });
    await raceAbort(new Promise<void>((resolve) => container.waiters.push(resolve)), process.signal, options?.signal);
  }

  async removeContainer(id: string, options?: RuntimeCallOptions): Promise<void> {
    return this.serve('removeContainer', id, options, () => {
      const container = this.containers.get(id);
      if (container) this.drop(container);
    });
  }

  async containerStatus(id: string, options?: RuntimeCallOptions): Promise<ContainerStatus> {
    return this.serve('containerStatus', id, options, () => {
      const container = this.container(id);
      const { exitCode, reason, message, config } = container;
      return {
        ...this.listedContainer(container), startedAt: nanoseconds(container.startedAtMs), finishedAt: nanoseconds(container.finishedAtMs),
        exitCode: exitCode || undefined, reason, message, mounts: config.mounts ?? [], imageId: this.images.find(config.image?.image),
        logPath: `${container.sandbox.config.logDirectory ?? ''}/${config.logPath ?? ''}`,
      };
    });
  }

  async listContainers(filter: Parameters<ContainerRuntime['listContainers']>[0] = {}, options?: RuntimeCallOptions): Promise<readonly Container[]> {
    return this.serve('listContainers', '', options, () => [...this.containers.values()]
      .map((container) => this.listedContainer(container))
      .filter((container) => (filter.id === undefined || container.id === filter.id) && (filter.sandboxId === undefined || container.podSandboxId === filter.sandboxId)
        && (filter.state === undefined || container.state === filter.state) && hasLabels(container.labels, filter.labels)));
  }

  async execSync(id: string, command: readonly string[], timeoutSeconds: number, options?: RuntimeCallOptions): Promise<ExecResult> {
    const container = await this.serve('execSync', id, options, () => this.container(id));
    if (container.state !== ContainerState.CONTAINER_RUNNING) throw new ApiError('Internal', `container is in ${ContainerState[container.state]} state`);
    if (!this.isUp(container)) return { stdout: new Uint8Array(), stderr: Buffer.from('not up yet\n'), exitCode: 1 };
    const result = this.behaviour.exec?.(container.config, command) ?? { stdout: new Uint8Array(), stderr: new Uint8Array(), exitCode: 0 };
    if (!(result instanceof Promise) || timeoutSeconds <= 0) return result;
    const late = sleep(this.clock, timeoutSeconds * 1000).then(() => {
      throw new ApiError('Timeout', `command "${command.join(' ')}" timed out`);
    });
    return Promise.race([result, late]);
  }

  async exec(id: string, command: readonly string[], _streams: StreamSelection, options?: RuntimeCallOptions): Promise<string> {
    if (command.length === 0) throw new ApiError('Invalid', 'cmd is empty');
    return this.serve('exec', id, options, () => this.streamingUrl('exec', this.runningContainer(id).id));
  }

  async attach(id: string, _streams: StreamSelection, options?: RuntimeCallOptions): Promise<string> {
    return this.serve('attach', id, options, () => this.streamingUrl('attach', this.runningContainer(id).id));
  }

  async portForward(sandboxId: string, options?: RuntimeCallOptions): Promise<string> {
    return this.serve('portForward', sandboxId, options, () => {
      if (!this.sandbox(sandboxId).ready) throw new ApiError('Internal', `sandbox container "${sandboxId}" is not running`);
      return this.streamingUrl('portforward', sandboxId);
    });
  }

  async reopenContainerLog(id: string, options?: RuntimeCallOptions): Promise<void> {
    return this.serve('reopenContainerLog', id, options, () => {
      if (this.container(id).state !== ContainerState.CONTAINER_RUNNING) throw new ApiError('Internal', 'container is not running');
    });
  }

  // ---- images

  async imageStatus(image: string, options?: RuntimeCallOptions): Promise<Image | undefined> {
    return this.serve('imageStatus', image, options, () => this.images.status(image));
  }

  async pullImage(image: string, options?: RuntimeCallOptions): Promise<string> {
    return this.serve('pullImage', image, options, () => {
      if (!(this.behaviour.pullable?.(image) ?? true)) throw new ApiError('NotFound', `failed to pull and unpack image "${normalized(image)}": not found`);
      return this.images.add(image);
    });
  }

  async listImages(options?: RuntimeCallOptions): Promise<readonly Image[]> {
    return this.serve('listImages', '', options, () => this.images.list());
  }

  async removeImage(image: string, options?: RuntimeCallOptions): Promise<void> {
    return this.serve('removeImage', image, options, () => this.images.remove(image));
  }

  async *events(signal: AbortSignal): AsyncGenerator<RuntimeEvent, void, undefined> {
    while (!signal.aborted) {
      if (this.up) {
        const queue = new BoundedQueue<RuntimeEvent>(10_000);
        queue.push({ type: 'resync' });
        this.listeners.add(queue);
        const onAbort = (): void => queue.end();
        signal.addEventListener('abort', onAbort, { once: true });
        try {
          yield* queue;
        } catch {
          // The stream broke with its server; the next round opens another.
        } finally {
          this.listeners.delete(queue);
          signal.removeEventListener('abort', onAbort);
        }
      }
      if (!signal.aborted) await sleep(this.clock, 100, signal).catch(() => undefined);
    }
  }

  close(): void {
    for (const listener of this.listeners) listener.end();
    this.listeners.clear();
  }

  // ---- inside

  private async serve<T>(name: keyof ContainerRuntime, target: string, options: RuntimeCallOptions | undefined, work: () => T): Promise<T> {
    if (options?.signal?.aborted) throw new ApiError('Canceled', `${name}: canceled`, {}, { cause: options.signal.reason });
    if (!this.up) throw unavailable();
    const fault = this.behaviour.fault?.({ name, target });
    if (fault?.delayMs) {
      const { process } = this;
      await raceAbort(sleep(this.clock, fault.delayMs), process.signal, options?.signal);
    }
    if (fault?.error && !fault.after) throw fault.error;
    const result = work();
    if (fault?.error) throw fault.error;
    return result;
  }

  private isUp({ plan, startedAtMs = Infinity }: FakeContainer): boolean {
    return plan.readyAfterMs === undefined || this.clock.now() - startedAtMs >= plan.readyAfterMs;
  }

  private countStart(container: FakeContainer): void {
    const podUid = container.sandbox.config.metadata?.uid ?? '';
    const name = container.config.metadata?.name ?? '';
    this.starts.push({ podUid, name, attempt: container.config.metadata?.attempt ?? 0, id: container.id });
    const running = [...this.containers.values()].filter((other) => other.state === ContainerState.CONTAINER_RUNNING
      && other.sandbox.config.metadata?.uid === podUid && other.config.metadata?.name === name);
    this.mostAtOnce = Math.max(this.mostAtOnce, running.length);
  }

  private end(container: FakeContainer, exitCode: number, reason?: string): void {
    if (container.state !== ContainerState.CONTAINER_RUNNING) return;
    container.cancelExit?.();
    container.state = ContainerState.CONTAINER_EXITED;
    container.exitCode = exitCode;
    container.reason = reason ?? (exitCode === 0 ? 'Completed' : 'Error');
    container.finishedAtMs = this.clock.now();
    for (const wake of container.waiters.splice(0)) wake();
    this.emit({ type: 'stopped', containerId: container.id });
  }

  private endLater(container: FakeContainer, delayMs: number, exitCode: number, reason?: string): void {
    container.cancelExit?.();
    container.cancelExit = this.clock.setTimer(delayMs, () => this.end(container, exitCode, reason));
  }

  private drop(container: FakeContainer): void {
    this.end(container, 137);
    this.containers.delete(container.id);
    this.emit({ type: 'deleted', containerId: container.id });
  }

  private emit(event: RuntimeEvent): void {
    if (this.up) for (const listener of this.listeners) listener.push(event);
  }

  private newId(): string {
    return (randomUuid(this.options.random) + randomUuid(this.options.random)).replaceAll('-', '');
  }

  private sandbox(id: string): FakeSandbox {
    const sandbox = this.sandboxes.get(id);
    if (!sandbox) throw new ApiError('NotFound', `an error occurred when try to find sandbox "${id}": not found`);
    return sandbox;
  }

  private container(id: string): FakeContainer {
    const container = this.containers.get(id);
    if (!container) throw new ApiError('NotFound', `an error occurred when try to find container "${id}": not found`);
    return container;
  }

  private runningContainer(id: string): FakeContainer {
    const container = this.container(id);
    if (container.state !== ContainerState.CONTAINER_RUNNING) throw new ApiError('Internal', `container is in ${ContainerState[container.state]} state`);
    return container;
  }

  private streamingUrl(what: string, target: string): string {
    const { streamingServer } = this.options;
    if (streamingServer === undefined) throw new ApiError('Internal', 'this fake runtime has no streaming server');
    return `${streamingServer}/${what}/${target}`;
  }

  private inSandbox(id: string): FakeContainer[] {
    return [...this.containers.values()].filter((container) => container.sandbox.id === id);
  }

  private listedSandbox({ id, config, createdAtMs, ready }: FakeSandbox): PodSandbox {
    return {
      id, metadata: config.metadata, createdAt: nanoseconds(createdAtMs), labels: { ...config.labels }, annotations: { ...config.annotations },
      state: ready ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY,
    };
  }

  private listedContainer({ id, sandbox, config, createdAtMs, state }: FakeContainer): Container {
    return {
      id, podSandboxId: sandbox.id, metadata: config.metadata, image: config.image, imageRef: this.images.find(config.image?.image),
      state, createdAt: nanoseconds(createdAtMs), labels: { ...config.labels }, annotations: { ...config.annotations },
    };
  }
}

const unavailable = (): ApiError => new ApiError('Unavailable', 'the container runtime is not running');

async function raceAbort<T>(work: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  const releases: (() => void)[] = [];
  const aborted = new Promise<never>((_resolve, reject) => {
    for (const signal of signals) {
      const onAbort = (): void => reject(signal?.reason as Error);
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      releases.push(() => signal?.removeEventListener('abort', onAbort));
    }
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    for (const release of releases) release();
  }
}
