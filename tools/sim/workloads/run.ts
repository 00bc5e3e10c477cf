/**
 * All controllers under faults: a scripted user makes, changes and deletes workloads of every sort while processes die at their
 * writes, stop and wake up, clocks jump, nodes go and come, watches are late and lost. After every write the invariants are asked;
 * when the faults end everything must come to rest, and stay at rest.
 */
import { pods, statefulSets } from '@navarch/api';
import { randomInt, seededRandom, type Logger, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import { ContainerState } from '@navarch/proto/runtime/v1/cri';

import { noFaults, type FaultRates } from '../faulty-client';
import { intercept, type Write } from '../intercept';
import { SimulatedCluster, type LoggedWrite, type ProcessLife, type Sabotage, type SimulatedProcess } from '../simulated-cluster';
import { neverAboveMaxSurge, neverAboveQuota, neverBelowBudget, neverBelowMinAvailable, neverTooManyPods, nothingTwice, oneDaemonPodPerNode } from './invariants/bounds';
import type { Invariant } from './invariants/invariant';
import { lostOrphans, unfinished } from './invariants/rest';
import { claimsOutliveTheirUse, jobsCountOnce, livingOwners, oneJobPerMinute, twoOfOneOrdinal, type RunningPod } from './invariants/safety';
import { work } from './objects';
import { liveThrough, ScriptedUser, topics } from './user';
import { Witness } from './witness';
import { World } from './world';

export interface Storm {
  readonly rates: FaultRates;
  readonly log: Parameters<SimulatedCluster['setLogFaults']>[0];
  /** The most time between two blows to a process, milliseconds; none: there are none. */
  readonly blowEveryMs?: number;
}

export interface WorkloadScenario {
  readonly seed: number;
  readonly topics?: readonly string[];
  readonly stormMs: number;
  readonly storm: Storm;
  readonly paceMs?: number;
  /** How long it may take to come to rest; 15 minutes unless told. */
  readonly calmMs?: number;
  readonly logger?: Logger;
  readonly sabotage?: Sabotage;
  readonly history?: string[];
  onCluster?(cluster: SimulatedCluster): void;
}

export interface Verdict {
  /** What went wrong first; undefined: nothing. */
  readonly violation: string | undefined;
  readonly history: readonly string[];
  readonly writes: number;
}

export const standardStorm: Storm = {
  rates: { lostRequest: 0.01, lostAnswer: 0.01, brokenWatch: 0.003, lateEvent: 0.005, deathAtWrite: 0.004, maxLatencyMs: 20 },
  log: { lostAcks: 0.01, lostWrites: 0.01, refusedWrites: 0.01, deliveryDelayMs: 20, disconnects: 0.001, resets: 0.0005 },
  blowEveryMs: 12_000,
};

export const standardWorkloads = { stormMs: 90_000, storm: standardStorm };

const nodeCount = 3;
/** Longer than any back-off that is left from the storm. */
const defaultCalmMs = 900_000;
const idleMs = 60_000;
/** Renewals, resyncs and probes aside nothing is written at rest. */
const mostIdleWrites = 20;
const graceOfStaleLeaderMs = 5_000;

export async function runWorkloads(scenario: WorkloadScenario): Promise<Verdict> {
  const { history = [] } = scenario;
  const run = new Run(scenario, history);
  const violation = await run.live().catch((thrown: unknown) => (thrown instanceof Violated ? thrown.message : Promise.reject(thrown)));
  return { violation, history, writes: run.cluster.writes.length };
}

class Violated extends Error {}

class Run {
  readonly cluster: SimulatedCluster;
  readonly world = new World();
  readonly witness = new Witness();
  private readonly invariants: readonly Invariant[] = [
    neverTooManyPods, oneDaemonPodPerNode, neverAboveMaxSurge, neverBelowMinAvailable, neverAboveQuota, neverBelowBudget, nothingTwice,
    claimsOutliveTheirUse, oneJobPerMinute(), jobsCountOnce(),
  ];
  private readonly random: Random;
  private violation: string | undefined;
  private lastWrite = '';

  constructor(private readonly scenario: WorkloadScenario, private readonly history: string[]) {
    const { seed, logger, sabotage = {} } = scenario;
    this.random = seededRandom(seed ^ 0x2545f491);
    const ends = seededRandom(seed ^ 0x1b873593);
    this.cluster = new SimulatedCluster({
      seed, nodes: nodeCount, ...(logger && { logger }),
      sabotage: { ...sabotage, controllersClient: (client, life) => sabotage.controllersClient?.(this.observed(client, life), life) ?? this.observed(client, life) },
      containers: { plan: ({ command }) => (command?.[0] === work ? { exitAfterMs: 500 + randomInt(ends, 6_000), exitCode: ends.next() < 0.2 ? 1 : 0 } : { onTerm: { exitCode: 143, afterMs: randomInt(ends, 1_500) } }) },
    });
    scenario.onCluster?.(this.cluster);
    this.cluster.onWrite = (write) => this.see(write);
    this.cluster.onStarted = () => void this.lookAtContainers();
  }

  async live(): Promise<string | undefined> {
    const { cluster, scenario } = this;
    const { clock } = cluster;
    const names = scenario.topics ?? Object.keys(topics);
    cluster.startAll();
    await this.advance(4_000);
    cluster.rates = scenario.storm.rates;
    cluster.setLogFaults(scenario.storm.log);
    const endMs = clock.monotonic() + scenario.stormMs;
    const user = new ScriptedUser(cluster, this.random, (what) => this.note(what));
    let failure: Error | undefined;
    let over = false;
    liveThrough(user, names, () => clock.monotonic(), endMs, scenario.paceMs ?? 2_500).then(() => { over = true; }, (error: Error) => { failure = error; });
    if (scenario.storm.blowEveryMs !== undefined) this.scheduleBlows(scenario.storm.blowEveryMs, endMs);
    await this.advance(scenario.stormMs);
    this.note('calm');
    cluster.rates = noFaults;
    cluster.setLogFaults({});
    cluster.startAll();
    await this.until(() => over || failure !== undefined);
    if (failure) throw failure;
    return (await this.comeToRest()) ?? lostOrphans(this.world, 'shop', user.orphaned)[0] ?? this.stayAtRest();
  }

  private async comeToRest(): Promise<string | undefined> {
    const { clock } = this.cluster;
    const { calmMs = defaultCalmMs } = this.scenario;
    const endMs = clock.monotonic() + calmMs;
    for (;;) {
      await this.advance(5_000);
      const left = unfinished(this.world);
      if (left.length === 0) break;
      if (clock.monotonic() > endMs) return `no rest after ${calmMs / 1_000} s of calm: ${left.join('; ')}`;
    }
    this.note('at rest');
    return undefined;
  }

  /** What was due later has its time; then nothing is written any more, and all is still as it should be. */
  private async stayAtRest(): Promise<string | undefined> {
    await this.advance(idleMs);
    const before = this.cluster.writes.length;
    await this.advance(idleMs);
    const written = this.cluster.writes.slice(before).filter(({ key }) => key.resource !== 'leases' && key.resource !== 'nodes').map(({ key }) => `${key.resource} ${key.namespace}/${key.name}`);
    if (written.length > mostIdleWrites) return `${written.length} writes in a minute of rest: ${[...new Set(written)].slice(0, 5).join(', ')}`;
    const left = unfinished(this.world);
    return left.length > 0 ? `rest did not last: ${left.join('; ')}` : undefined;
  }

  // ---- what is seen

  private see({ key, tombstone, body }: LoggedWrite): void {
    const change = this.world.apply(key, tombstone, body, { atMs: this.cluster.clock.monotonic(), nowMs: this.cluster.clock.now() });
    if (!change) return;
    this.lastWrite = `${key.resource} ${key.namespace}/${key.name}`;
    this.witness.see(change);
    for (const invariant of this.invariants) this.judge(invariant(change, this));
  }

  private judge(violation: string | undefined): void {
    if (violation === undefined || this.violation !== undefined) return;
    this.violation = violation;
    this.note(`violation: ${violation}`);
  }

  private async lookAtContainers(): Promise<void> {
    const running: RunningPod[] = [];
    for (const [node, runtime] of this.cluster.runtimes) {
      for (const { labels = {}, state } of await runtime.listContainers()) {
        if (state !== ContainerState.CONTAINER_RUNNING) continue;
        running.push({ node, uid: labels['io.kubernetes.pod.uid'] ?? '', namespace: labels['io.kubernetes.pod.namespace'] ?? '', name: labels['io.kubernetes.pod.name'] ?? '' });
      }
    }
    this.judge(twoOfOneOrdinal(running, this.world.list(statefulSets)));
  }

  /** What the controllers do, seen at the edge of their process: whether they may, and whether they hear how it ended. */
  private observed(client: ApiClient, life: ProcessLife): ApiClient {
    let staleSinceMs: number | undefined;
    const mayWrite = ({ verb, resource, name }: Write): void => {
      const { holder } = this.witness.leader;
      if (holder === life.identity || holder === undefined || holder === '') staleSinceMs = undefined;
      else staleSinceMs ??= this.cluster.clock.monotonic();
      if (['leases', 'events'].includes(resource.plural) || staleSinceMs === undefined) return;
      const staleMs = this.cluster.clock.monotonic() - staleSinceMs;
      if (staleMs > graceOfStaleLeaderMs) this.judge(`${life.identity} writes (${verb} ${resource.plural} ${name}), though ${holder} leads, ${staleMs} ms after it could have known`);
    };
    const mayCollect = ({ verb, resource, namespace, name, args }: Write): (() => void) => {
      const { deleteOptions } = (args[2] ?? {}) as { deleteOptions?: { propagationPolicy?: string; preconditions?: { resourceVersion?: string } } };
      const object = this.world.list(resource).find(({ metadata }) => metadata?.name === name && (metadata.namespace ?? '') === namespace);
      if (verb !== 'delete' || !deleteOptions?.propagationPolicy || !deleteOptions.preconditions?.resourceVersion || !object) return () => undefined;
      const [living] = livingOwners(object, this.world);
      return () => { if (living) this.judge(`${resource.plural} ${namespace}/${name} is collected, though its owner ${living.metadata?.name} lives`); };
    };
    return intercept(client, {
      write: async (write, proceed) => {
        mayWrite(write);
        const collected = mayCollect(write);
        try {
          const result = await proceed();
          collected();
          return result;
        } catch (thrown) {
          if (write.verb === 'create' && write.resource.plural === pods.plural && write.object) this.witness.createUnknown(write.object);
          throw thrown;
        }
      },
    });
  }

  // ---- blows

  private scheduleBlows(everyMs: number, endMs: number): void {
    const { clock, processes } = this.cluster;
    const rest = endMs - clock.monotonic();
    for (let atMs = 3_000; atMs < rest; atMs += 500 + randomInt(this.random, everyMs)) {
      const [victim, dice, forMs] = [processes[randomInt(this.random, processes.length)] as SimulatedProcess, this.random.next(), 1_000 + randomInt(this.random, 25_000)];
      clock.setTimer(atMs, () => this.blow(victim, dice, forMs));
    }
    for (const process of processes) process.onDeath = () => {
      this.note(`${process.name} died at a write`);
      this.startLater(process, 1_000 + randomInt(this.random, 5_000));
    };
  }

  private blow(victim: SimulatedProcess, dice: number, forMs: number): void {
    if (!victim.running) return;
    const isController = victim.name.startsWith('controllers');
    if (isController && victim.pause && dice < 0.4) {
      this.note(`pause ${victim.name} for ${forMs} ms`);
      victim.pause();
      this.cluster.clock.setTimer(forMs, () => { this.note(`resume ${victim.name}`); victim.resume?.(); });
    } else if (victim.jump && dice < 0.6) {
      const byMs = Math.round((dice - 0.3) * 400_000) * (forMs % 2 === 0 ? 1 : -1);
      this.note(`${victim.name}'s clock jumps by ${byMs} ms`);
      victim.jump(byMs);
    } else {
      // A kubelet for longer than the 40 s after which its node counts as lost, now and then.
      const downMs = victim.name.startsWith('kubelet') && dice > 0.8 ? forMs + 45_000 : forMs;
      this.note(`kill ${victim.name} for ${downMs} ms`);
      victim.crash();
      this.startLater(victim, downMs);
    }
  }

  private startLater(process: SimulatedProcess, afterMs: number): void {
    this.cluster.clock.setTimer(afterMs, () => {
      if (process.running) return;
      this.note(`start ${process.name}`);
      process.start();
    });
  }

  // ---- time

  /** Stops at the first violation. */
  private async advance(ms: number): Promise<void> {
    const { clock } = this.cluster;
    const endMs = clock.monotonic() + ms;
    clock.setTimer(ms, () => undefined);
    await clock.advanceUntil(() => this.violation !== undefined || clock.monotonic() >= endMs, ms + 1);
    if (this.violation !== undefined) throw new Violated(`${this.violation} (at ${clock.monotonic()} ms, write ${this.cluster.writes.length}: ${this.lastWrite})`);
  }

  private async until(done: () => boolean): Promise<void> {
    for (let waitedMs = 0; !done(); waitedMs += 1_000) {
      if (waitedMs > defaultCalmMs) throw new Violated('the user waits for ever');
      await this.advance(1_000);
    }
  }

  private note(what: string): void {
    this.history.push(`${this.cluster.clock.monotonic()} ${what}`);
  }
}

