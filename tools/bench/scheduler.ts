/**
 * SchedulingBasic of Kubernetes' scheduler_perf: `npx tsx tools/bench/scheduler.ts [--short] [--rounds N] [--nodes N] [--pods N]`.
 * 5,000 nodes, 1,000 pods scheduled beforehand, then 10,000 more, all in this one process: apiserver core on logs in memory, the in-process
 * client, the scheduler with all it does (informers, conditions, events). Two figures, each the median of rounds: `arriving`, from the first create to the
 * last binding, as scheduler_perf measures; `backlog`, from the scheduler's start on a cluster where all pods wait already. Prints one JSON document.
 */
import { allResources, createRegistry, namespaces, nodes as nodeResource, pods as podResource } from '@navarch/api';
import { deferred, seededRandom, silentLogger, systemClock } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import { createMemoryLog } from '@navarch/store';

import { ApiCore, createInProcessClient, noKubelets } from '../../apps/apiserver/src';
import { runScheduler, type RunningScheduler } from '../../apps/scheduler/src/app';

interface Sizes {
  readonly nodes: number;
  readonly initPods: number;
  readonly pods: number;
}

interface Round {
  readonly podsPerSecond: number;
  /** The same per second of this process's CPU time, which a busy machine distorts less. */
  readonly podsPerCpuSecond: number;
  readonly attemptMs: { readonly p50: number; readonly p99: number };
  readonly decisionMs: { readonly p50: number; readonly p99: number };
}

const short = process.argv.includes('--short');
const sizes: Sizes = { nodes: option('nodes', short ? 1_000 : 5_000), initPods: short ? 200 : 1_000, pods: option('pods', short ? 2_000 : 10_000) };
const rounds = option('rounds', short ? 1 : 5);
const createsInFlight = 64;
const user = { name: 'system:kube-scheduler', groups: ['system:masters', 'system:authenticated'] };

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

function nodeOf(index: number): Node {
  const name = `node-${index}`;
  const amounts = { cpu: { string: '4' }, memory: { string: '32Gi' }, pods: { string: '110' } };
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${index % 3}` } },
    status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }], phase: 'Running' },
  };
}

function podOf(name: string): Pod {
  const requests = { cpu: { string: '100m' }, memory: { string: '500Mi' } };
  return { metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'pause', image: 'registry.k8s.io/pause:3.10', resources: { requests } }] } };
}

interface Cluster {
  readonly client: ApiClient;
  stop(): Promise<void>;
}

async function startCluster(seed: number): Promise<Cluster> {
  const random = seededRandom(seed);
  const clock = systemClock;
  const logs = { objects: createMemoryLog({ clock, random }), events: createMemoryLog({ clock, random, subjectPrefix: 'events' }) };
  const core = new ApiCore({
    registry: createRegistry(allResources), logs, clock, random, logger: silentLogger, watchQueueCapacity: 1 << 16,
    kubelets: noKubelets(new Error('there are no kubelets here')),
    authorizer: () => ({ authorize: () => 'allow' }),
  });
  const stopping = new AbortController();
  const running = core.run(stopping.signal);
  await core.loaded(stopping.signal);
  const client = createInProcessClient(core, user);
  await client.resource(namespaces).create({ metadata: { name: 'default' } });
  return {
    client,
    stop: async () => {
      stopping.abort(new Error('the round is over'));
      await running;
      await Promise.all(Object.values(logs).map((log) => log.close()));
    },
  };
}

async function each(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: createsInFlight }, async () => {
    while (next < count) await work(next++);
  }));
}

async function addNodes(client: ApiClient, count: number): Promise<void> {
  const nodes = client.resource(nodeResource);
  await each(count, async (index) => {
    const wanted = nodeOf(index);
    const made = await nodes.create(wanted);
    await nodes.updateStatus({ ...made, status: wanted.status });
  });
}

const addPods = (client: ApiClient, prefix: string, count: number): Promise<void> =>
  each(count, (index) => client.resource(podResource).create(podOf(`${prefix}-${index}`)));

interface Measured {
  readonly scheduler: RunningScheduler;
  /** Resolves when so many pods have been scheduled since the last call. */
  scheduled(count: number): Promise<void>;
  readonly attempts: number[];
  readonly decisions: number[];
}

function startScheduler(client: ApiClient, seed: number): Measured {
  const attempts: number[] = [];
  const decisions: number[] = [];
  let left = 0;
  let done = deferred<void>();
  const scheduler = runScheduler({
    client, clock: systemClock, random: seededRandom(seed), logger: silentLogger,
    onAttempt: ({ outcome, totalMs, decisionMs }) => {
      if (outcome !== 'scheduled') done.reject(new Error(`an attempt ended with ${outcome}`));
      attempts.push(totalMs);
      decisions.push(decisionMs);
      if (--left === 0) done.resolve();
    },
  });
  return {
    scheduler, attempts, decisions,
    scheduled: (count) => {
      attempts.length = decisions.length = 0;
      left = count;
      done = deferred<void>();
      return done.promise;
    },
  };
}

async function measure(kind: 'arriving' | 'backlog', seed: number): Promise<Round> {
  const cluster = await startCluster(seed);
  await addNodes(cluster.client, sizes.nodes);
  let measured = startScheduler(cluster.client, seed);
  await measured.scheduler.ready;
  const warm = measured.scheduled(sizes.initPods);
  await addPods(cluster.client, 'init', sizes.initPods);
  await warm;
  if (kind === 'backlog') {
    await measured.scheduler.close();
    await addPods(cluster.client, 'pod', sizes.pods);
    measured = startScheduler(cluster.client, seed);
  }
  const all = measured.scheduled(sizes.pods);
  const startCpu = process.cpuUsage();
  const startMs = systemClock.monotonic();
  if (kind === 'arriving') await addPods(cluster.client, 'pod', sizes.pods);
  await all;
  const seconds = (systemClock.monotonic() - startMs) / 1_000;
  const cpu = process.cpuUsage(startCpu);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  await measured.scheduler.close();
  await verify(cluster.client);
  await cluster.stop();
  return {
    podsPerSecond: Math.round(sizes.pods / seconds), podsPerCpuSecond: Math.round(sizes.pods / cpuSeconds),
    attemptMs: quantiles(measured.attempts), decisionMs: quantiles(measured.decisions),
  };
}

/** Every pod has a node, and none is over-committed: a figure for wrong placements would be worth nothing. */
async function verify(client: ApiClient): Promise<void> {
  const perNode = new Map<string, number>();
  for (const { spec } of (await client.resource(podResource).list()).items) perNode.set(spec?.nodeName ?? '', (perNode.get(spec?.nodeName ?? '') ?? 0) + 1);
  if (perNode.has('')) throw new Error(`${perNode.get('')} pods have no node`);
  const most = Math.max(...perNode.values());
  if (most > 40) throw new Error(`a node of 4 cpu has ${most} pods of 100m`);
}

function quantiles(values: readonly number[]): { p50: number; p99: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(3));
  return { p50: at(0.5), p99: at(0.99) };
}

function median(results: readonly Round[]): Round {
  return [...results].sort((a, b) => a.podsPerSecond - b.podsPerSecond)[results.length >> 1] as Round;
}

async function main(): Promise<void> {
  const results: Record<string, Round & { readonly rounds: readonly number[] }> = {};
  for (const kind of ['arriving', 'backlog'] as const) {
    const each: Round[] = [];
    for (let round = 0; round < rounds; round++) each.push(await measure(kind, round + 1));
    results[kind] = { ...median(each), rounds: each.map(({ podsPerSecond }) => podsPerSecond) };
  }
  console.log(JSON.stringify({ benchmark: 'SchedulingBasic', ...sizes, ...results }, undefined, 2));
}

// Timers of logs and informers may outlast their close; the figures are printed.
void main().then(() => process.exit(0), (error: unknown) => {
  console.error(error);
  process.exit(1);
});
