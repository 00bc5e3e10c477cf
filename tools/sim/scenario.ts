import { nodes, pods as podResource } from '@navarch/api';
import { hasReason, randomInt, seededRandom, type Logger, type Random } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { noFaults } from './faulty-client';
import { SimulatedCluster, type Sabotage, type SimulatedProcess } from './simulated-cluster';

export interface Scenario {
  readonly seed: number;
  readonly nodes: number;
  readonly pods: number;
  /** Virtual time under faults, milliseconds. */
  readonly stormMs: number;
  readonly logger?: Logger;
  readonly sabotage?: Sabotage;
  /** Filled as it goes, so that a run that fails can be told too. */
  readonly history?: string[];
  onCluster?(cluster: SimulatedCluster): void;
}

export const standardScenario = { nodes: 3, pods: 8, stormMs: 60_000 };

/** What came of it: facts for the test to judge, and the history by which two runs can be compared. */
export interface Outcome {
  readonly cluster: SimulatedCluster;
  readonly pods: readonly Pod[];
  /** Every fault and its virtual time. */
  readonly history: readonly string[];
}

const storm = { lostRequest: 0.03, lostAnswer: 0.03, brokenWatch: 0.01, maxLatencyMs: 40 };
const logStorm = { lostAcks: 0.03, lostWrites: 0.02, refusedWrites: 0.02, deliveryDelayMs: 20, disconnects: 0.005, resets: 0.001 };
/** Shorter than the 40 s after which a silent node counts as gone. */
const maxDownMs = 20_000;

/** Pods are created while everything fails around them; then the faults end and the cluster has to come to rest. */
export async function runScenario(scenario: Scenario): Promise<Outcome> {
  const { seed, nodes: nodeCount, pods: podCount, stormMs, logger, sabotage, history = [] } = scenario;
  const cluster = new SimulatedCluster({ seed, nodes: nodeCount, ...(logger && { logger }), ...(sabotage && { sabotage }) });
  scenario.onCluster?.(cluster);
  const { clock } = cluster;
  const random = seededRandom(seed ^ 0x5bd1e995);
  const note = (what: string): void => void history.push(`${clock.monotonic()} ${what}`);

  cluster.startAll();
  await clock.advance(5_000);
  cluster.rates = storm;
  cluster.setLogFaults(logStorm);
  const creating = createPods(cluster, podCount, random, note);
  scheduleCrashes(cluster, random, stormMs, note);
  await clock.advance(stormMs);

  cluster.rates = noFaults;
  cluster.setLogFaults({});
  cluster.startAll();
  note('calm');
  let names: readonly string[] | undefined;
  void creating.then((created) => { names = created; });
  await clock.advanceUntil(() => names !== undefined, 600_000);
  const pods = await untilAllRun(cluster, names ?? []);
  note('all run');
  return { cluster, pods, history };
}

async function createPods(cluster: SimulatedCluster, count: number, random: Random, note: (what: string) => void): Promise<readonly string[]> {
  const { clock } = cluster;
  const names = Array.from({ length: count }, (_, index) => `pod-${index}`);
  for (const name of names) {
    await pause(cluster, randomInt(random, 8_000));
    for (;;) {
      try {
        await cluster.admin.resource(podResource).create({
          metadata: { namespace: 'default', name },
          spec: { containers: [{ name: 'main', image: 'busybox:1.35', resources: { requests: { cpu: { string: '100m' } } } }] },
        });
        note(`created ${name}`);
        break;
      } catch (error) {
        note(`create ${name}: ${(error as Error).message}`);
        if (hasReason(error, 'AlreadyExists')) break;
        if (!hasReason(error, 'Unavailable', 'Timeout', 'ServerTimeout', 'NotFound', 'TooManyRequests', 'Conflict', 'Forbidden')) throw error;
        await pause(cluster, 500);
      }
    }
  }
  note(`all created after ${clock.monotonic()} ms`);
  return names;
}

function pause({ clock }: SimulatedCluster, ms: number): Promise<void> {
  return new Promise((resolve) => { clock.setTimer(ms, resolve); });
}

/** Kills one process every few seconds and starts it again a while later. */
function scheduleCrashes(cluster: SimulatedCluster, random: Random, stormMs: number, note: (what: string) => void): void {
  const { clock, processes } = cluster;
  const strike = (process: SimulatedProcess): void => {
    if (!process.running) return;
    note(`kill ${process.name}`);
    process.crash();
    clock.setTimer(1_000 + randomInt(random, maxDownMs - 1_000), () => {
      if (process.running) return;
      note(`start ${process.name}`);
      process.start();
    });
  };
  for (let atMs = 1_000; atMs < stormMs; atMs += 500 + randomInt(random, 4_000)) {
    const victim = processes[randomInt(random, processes.length)] as SimulatedProcess;
    clock.setTimer(atMs, () => strike(victim));
  }
}

async function untilAllRun(cluster: SimulatedCluster, names: readonly string[]): Promise<readonly Pod[]> {
  let latest: readonly Pod[] = [];
  let asking = false;
  const look = (): void => {
    if (asking) return;
    asking = true;
    cluster.admin.resource(podResource).list({ namespace: 'default' })
      .then(({ items }) => { latest = items; }, () => undefined)
      .finally(() => { asking = false; });
  };
  const running = (): boolean => {
    look();
    return names.every((name) => latest.some((pod) => pod.metadata?.name === name && pod.status?.phase === 'Running' && pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')));
  };
  try {
    await cluster.clock.advanceUntil(running, 1_800_000);
  } catch (error) {
    const all = await cluster.admin.resource(nodes).list();
    const state = latest.map(({ metadata, spec, status }) => `${metadata?.name} on ${spec?.nodeName}: ${status?.phase} ${JSON.stringify(status?.conditions?.map(({ type, status: value }) => `${type}=${value}`))}`);
    throw new Error(`not all pods run after half an hour of calm:\n${state.join('\n')}\nnodes: ${all.items.map(({ metadata, status }) => `${metadata?.name} ${JSON.stringify(status?.conditions?.map(({ type, status: value }) => `${type}=${value}`))}`).join('; ')}`, { cause: error });
  }
  return latest;
}
