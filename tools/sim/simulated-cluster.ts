/**
 * A whole control plane in one process under a virtual clock: two apiservers over one log in memory, a scheduler, two
 * controllers in an election, kubelets on fake runtimes. Everything random comes from the seed, so a run replays by it.
 */
import { setMaxListeners } from 'node:events';

import { runApiserver, type Apiserver } from '../../apps/apiserver/src/app';
import { noKubelets } from '../../apps/apiserver/src/core/pods/kubelet-connector';
import { runControllers, type ControllersDependencies } from '../../apps/controllers/src/app';
import { createMemoryHost } from '../../apps/kubelet/src/host/memory-host';
import { runScheduler } from '../../apps/scheduler/src/app';
import { createRegistry } from '@navarch/api';
import { ApiError, randomInt, seededRandom, silentLogger, VirtualClock, type Clock, type Logger, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import { createFakeRuntime, type ContainerRuntime, type FakeBehaviour, type FakeRuntime } from '@navarch/cri';
import { createMemoryLog, keyOf, MemoryStream, type Faults, type MemoryLog, type ObjectKey, type StreamMessage } from '@navarch/store';

import { faultyClient, noFaults, type FaultRates } from './faulty-client';
import { failover } from './failover-client';
import { ProcessClock } from './process-clock';
import { simulatedKubelet } from './simulated-kubelet';

/** Something that can die without a word and be started again. */
export interface SimulatedProcess {
  readonly name: string;
  readonly running: boolean;
  start(): void;
  crash(): void;
  /** Told when it has died by itself, of a write. */
  onDeath?: (() => void) | undefined;
  /** Stops it where it is (SIGSTOP), until `resume`; its clock goes on without it. */
  pause?(): void;
  resume?(): void;
  /** Sets its wall clock forward or back. */
  jump?(ms: number): void;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly logger?: Logger;
  /** Breaks a part on purpose, to see that the judgement notices. */
  readonly sabotage?: Sabotage;
  /** How containers end. */
  readonly containers?: FakeBehaviour;
  readonly controllers?: ControllersDependencies['config'];
}

/** The process that a client is for, this life of it. */
export interface ProcessLife {
  readonly name: string;
  /** Unique to this life. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: Random;
}

export interface Sabotage {
  /** What a kubelet that starts (again) is given instead of the node's runtime. */
  runtime?(runtime: FakeRuntime): ContainerRuntime;
  /** What the scheduler talks to instead of the API. */
  schedulerClient?(client: ApiClient): ApiClient;
  /** What the controllers talk to instead of the API; outside of all faults, as part of the process. */
  controllersClient?(client: ApiClient, life: ProcessLife): ApiClient;
}

export interface LoggedWrite {
  readonly key: ObjectKey;
  readonly tombstone: boolean;
  readonly body: Uint8Array;
}

const image = 'docker.io/library/busybox:1.35';
const startMs = Date.parse('2026-01-01T00:00:00Z');
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class SimulatedCluster {
  readonly clock = new VirtualClock(startMs, settle);
  readonly runtimes = new Map<string, FakeRuntime>();
  readonly processes: readonly SimulatedProcess[];
  /** For the test itself: loses nothing, but finds no server while none runs. */
  readonly admin: ApiClient;
  readonly streams: { readonly objects: MemoryStream; readonly events: MemoryStream };
  /** Changed by the test while it runs. */
  rates: FaultRates = noFaults;
  /** Every write that the objects' log ever took, in order; compaction does not reach it. */
  readonly writes: LoggedWrite[] = [];
  /** Told of each write at once. */
  onWrite: ((write: LoggedWrite) => void) | undefined;
  /** Told when a kubelet has started a container. */
  onStarted: (() => void) | undefined;
  private readonly random: Random;
  private readonly replicas: ApiserverProcess[];
  private readonly logger: Logger;

  constructor({ seed, nodes, logger = silentLogger, sabotage = {}, containers, controllers }: SimulationOptions) {
    this.random = seededRandom(seed);
    this.logger = logger;
    this.streams = { objects: new MemoryStream(this.clock), events: new MemoryStream(this.clock) };
    void this.streams.objects.follow({ start: 1 }, { onMessage: (message) => this.record(message), onEnd: () => undefined });
    this.replicas = [0, 1].map((index) => new ApiserverProcess(`apiserver-${index}`, this, this.fork(), logger));
    this.admin = failover(this.replicas.map((replica) => () => replica.client('kubernetes-admin', 'system:masters')));
    const names = Array.from({ length: nodes }, (_, index) => `node-${index + 1}`);
    const hosts = new Map(names.map((name) => [name, createMemoryHost()]));
    for (const name of names) this.runtimes.set(name, createFakeRuntime({ clock: this.clock, random: this.fork(), images: [image], addressPrefix: `10.244.${this.runtimes.size}`, ...(containers && { behaviour: containers }) }));
    this.processes = [
      ...this.replicas,
      this.process('scheduler', 'system:kube-scheduler', (client, { clock, random }) => runScheduler({ client: sabotage.schedulerClient?.(client) ?? client, clock, random, logger: this.log('scheduler') })),
      ...['a', 'b'].map((one) => this.process(`controllers-${one}`, 'system:kube-controller-manager', (client, life) => {
        const { clock, random, identity, name } = life;
        return runControllers({
          client: sabotage.controllersClient?.(client, life) ?? client, clock, random, logger: this.log(name), identity,
          resources: () => createRegistry().all(), ...(controllers && { config: controllers }),
        });
      })),
      ...names.map((name) => this.process(`kubelet-${name}`, `system:node:${name}`, (client, { clock, random }, life) => simulatedKubelet({
        nodeName: name, client, clock, random, logger: this.log(name), life, onStarted: () => this.onStarted?.(),
        runtime: sabotaged(this.runtimes.get(name) as FakeRuntime, sabotage), host: hosts.get(name) as ReturnType<typeof createMemoryHost>,
      }), 'system:nodes')),
    ];
  }

  /** A random source of its own for one part, so that parts do not disturb each other's draws. */
  fork(): Random {
    return seededRandom(randomInt(this.random, 2 ** 32));
  }

  /** Faults between the apiservers and the log. */
  setLogFaults(faults: Faults): void {
    for (const replica of this.replicas) replica.setFaults(faults);
  }

  startAll(): void {
    for (const process of this.processes) {
      if (!process.running) process.start();
      process.resume?.();
    }
  }

  /** Evicts the pod as `kubectl drain` does; throws TooManyRequests where its budget allows none. */
  async evict(namespace: string, name: string): Promise<void> {
    const replica = this.replicas.find(({ running }) => running);
    if (!replica) throw new ApiError('Unavailable', 'simulated: no server is up');
    await replica.evict(namespace, name);
  }

  private record(message: StreamMessage): void {
    const key = keyOf(message.subject);
    if (!key) return;
    const write = { key, tombstone: message.header('Navarch-Verb') === 'delete', body: message.body };
    this.writes.push(write);
    this.onWrite?.(write);
  }

  private log(name: string): Logger {
    return this.logger.child({ process: name });
  }

  private process(name: string, user: string, run: Run, group?: string): SimulatedProcess {
    return new ClientProcess(name, this.clock, (life, process) => {
      const client = failover(this.replicas.map((replica) => () => replica.client(user, group)));
      const random = this.fork();
      const { clock } = process;
      const faulty = faultyClient({ client, clock: this.clock, random, rates: () => this.rates, life, awake: () => clock.awake(), die: () => process.die() });
      return run(faulty, { name, identity: `${name}-${process.lives}`, clock, random }, life);
    });
  }
}

type Run = (client: ApiClient, life: ProcessLife, alive: AbortSignal) => { close(): Promise<void> };

function sabotaged(runtime: FakeRuntime, { runtime: replace }: Sabotage): ContainerRuntime {
  return replace?.(runtime) ?? runtime;
}

/** A part that knows the API only through its client: it dies by losing it. */
class ClientProcess implements SimulatedProcess {
  clock: ProcessClock;
  lives = 0;
  /** Told when it has died by itself. */
  onDeath: (() => void) | undefined;
  private life: AbortController | undefined;

  constructor(
    readonly name: string, private readonly world: Clock,
    private readonly run: (life: AbortSignal, process: { readonly clock: ProcessClock; readonly lives: number; die(): void }) => { close(): Promise<void> },
  ) {
    this.clock = new ProcessClock(world);
  }

  get running(): boolean {
    return this.life !== undefined;
  }

  start(): void {
    const life = new AbortController();
    // Every call and watch under way listens.
    setMaxListeners(0, life.signal);
    this.life = life;
    this.lives++;
    this.clock = new ProcessClock(this.world);
    const die = (): void => {
      if (this.life !== life) return;
      this.crash();
      this.onDeath?.();
    };
    const instance = this.run(life.signal, { clock: this.clock, lives: this.lives, die });
    // Its memory is gone with it: whatever it still tries fails, and nobody waits for it.
    life.signal.addEventListener('abort', () => void instance.close().catch(() => undefined), { once: true });
  }

  crash(): void {
    this.life?.abort(new ApiError('Unavailable', 'simulated: killed'));
    this.life = undefined;
    // What is left of it finds out that it is dead.
    this.clock.resume();
  }

  pause(): void {
    if (this.running) this.clock.pause();
  }

  resume(): void {
    this.clock.resume();
  }

  jump(ms: number): void {
    this.clock.jump(ms);
  }
}

class ApiserverProcess implements SimulatedProcess {
  private current: { readonly server: Apiserver; readonly logs: readonly MemoryLog[]; readonly life: AbortController } | undefined;
  private faults: Faults = {};

  constructor(readonly name: string, private readonly cluster: SimulatedCluster, private readonly random: Random, private readonly logger: Logger) {}

  get running(): boolean {
    return this.current !== undefined;
  }

  setFaults(faults: Faults): void {
    this.faults = faults;
    for (const log of this.current?.logs ?? []) Object.assign(log.line.faults, { lostAcks: 0, lostWrites: 0, lateWrites: 0, refusedWrites: 0, deliveryDelayMs: 0, disconnects: 0, resets: 0, ...faults });
  }

  start(): void {
    const { clock, streams } = this.cluster;
    const open = (stream: MemoryStream): MemoryLog => createMemoryLog({ clock, random: seededRandom(randomInt(this.random, 2 ** 32)), stream, faults: { ...this.faults } });
    const logs = { objects: open(streams.objects), events: open(streams.events) };
    const server = runApiserver({
      registry: createRegistry(), logs, clock, random: seededRandom(randomInt(this.random, 2 ** 32)), logger: this.logger.child({ process: this.name }),
      kubelets: noKubelets(new ApiError('Unavailable', 'simulated kubelets keep no logs')),
    });
    server.ready.catch(() => undefined);
    const life = new AbortController();
    // Every call in flight to this replica listens.
    setMaxListeners(0, life.signal);
    this.current = { server, logs: [logs.objects, logs.events], life };
  }

  crash(): void {
    if (!this.current) return;
    for (const log of this.current.logs) void log.crash().catch(() => undefined);
    this.current.life.abort(new ApiError('Unavailable', 'simulated: killed'));
    // Its memory is gone with it: it can reach neither log nor clients any more.
    void this.current.server.close().catch(() => undefined);
    this.current = undefined;
  }

  async evict(namespace: string, name: string): Promise<void> {
    if (!this.current) throw new ApiError('Unavailable', 'simulated: the server is down');
    await this.current.server.core.handle({
      verb: 'create', target: { group: '', version: 'v1', resource: 'pods', namespace, name, subresource: 'eviction' },
      body: { object: { metadata: { namespace, name } } }, options: {}, user: { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
      signal: this.current.life.signal, timeoutMs: 30_000, traceparent: undefined,
    });
  }

  /** A connection to this replica as it runs now; undefined while it does not. Calls in flight fail when it dies. */
  client(name: string, group?: string): { readonly client: ApiClient; readonly life: AbortSignal } | undefined {
    if (!this.current || this.current.server.core.notReady().length > 0) return undefined;
    const { server, life } = this.current;
    return { client: server.client({ name, groups: [...(group ? [group] : []), 'system:authenticated'] }), life: life.signal };
  }
}
