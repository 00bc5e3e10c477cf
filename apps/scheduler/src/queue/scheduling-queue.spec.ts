import type { VirtualClock } from '@navarch/base';
import type { ApiClient } from '@navarch/client';

import { buildProfiles } from '../config';
import { Action } from '../framework/cluster-event';
import type { VolumeCaches } from '../snapshot/volume-caches';
import { ClusterCache } from '../snapshot/cluster-cache';
import type { PodInfo } from '../snapshot/pod-info';
import { container, node, pod, virtualClock, type PodShape } from '../testing/builders';
import { InFlight } from './in-flight';
import type { QueuedPod } from './queued-pod';
import { SchedulingQueue } from './scheduling-queue';

const headers = { commitTimeMs: 0 };
const fit = new Set(['NodeResourcesFit']);

class Bench {
  readonly clock: VirtualClock = virtualClock();
  readonly cache = new ClusterCache();
  readonly queue: SchedulingQueue;
  ready = 0;

  constructor() {
    const profiles = buildProfiles([{ schedulerName: 'default-scheduler' }], { client: {} as ApiClient, nodes: this.cache.table, volumes: {} as VolumeCaches, waitingPods: () => [] });
    this.queue = new SchedulingQueue({
      clock: this.clock, profiles, initialBackoffMs: 1_000, maxBackoffMs: 10_000, unschedulableTimeoutMs: 300_000, onReady: () => this.ready++,
    });
  }

  info(name: string, shape: PodShape = {}): PodInfo {
    return this.cache.pods.of(pod(name, shape));
  }

  add(name: string, shape: PodShape = {}): this {
    this.queue.set(this.info(name, shape), headers);
    return this;
  }

  pop(): QueuedPod {
    const popped = this.queue.pop();
    if (!popped) throw new Error('nothing to pop');
    return popped;
  }

  names(): string[] {
    const names: string[] = [];
    for (let popped = this.queue.pop(); popped; popped = this.queue.pop()) names.push(popped.info.name);
    return names;
  }

  podGone(name = 'other'): void {
    this.queue.onEvent({ resource: 'AssignedPod', actions: Action.delete, old: this.info(name, { cpu: '1' }) });
  }
}

const withPriority = (priority: number): PodShape => ({ spec: { containers: [container({})], priority } });

it('pops higher priorities first, and among equals who came first', async () => {
  const bench = new Bench().add('a', withPriority(1)).add('b', withPriority(10)).add('c', withPriority(1)).add('d', withPriority(10));
  await bench.clock.advance(5);
  bench.add('e', withPriority(100));
  expect(bench.names()).toEqual(['e', 'b', 'd', 'a', 'c']);
});

it('backs off from 1 s, doubling, to 10 s', async () => {
  const bench = new Bench().add('p');
  for (const seconds of [1, 2, 4, 8, 10, 10]) {
    expect(bench.queue.giveBack(bench.pop(), new Set())).toBe(true);
    await bench.clock.advance(seconds * 1_000 - 1);
    expect(bench.queue.counts.active).toBe(0);
    await bench.clock.advance(1);
    expect(bench.queue.counts.active).toBe(1);
  }
});

it('keeps an unschedulable pod until an event that its rejecting plugin wants', async () => {
  const bench = new Bench().add('p', { cpu: '2' });
  bench.queue.giveBack(bench.pop(), fit);
  await bench.clock.advance(60_000);
  expect(bench.queue.counts).toMatchObject({ active: 0, backoff: 0, unschedulable: 1 });
  bench.queue.onEvent({ resource: 'Node', actions: Action.updateNodeTaint, node: node('n'), old: node('n') });
  bench.queue.onEvent({ resource: 'Node', actions: Action.add, node: node('small', { cpu: '1' }) });
  expect(bench.queue.counts.unschedulable).toBe(1);
  bench.queue.onEvent({ resource: 'Node', actions: Action.add, node: node('big', { cpu: '2' }) });
  expect(bench.queue.counts).toMatchObject({ active: 1, unschedulable: 0 });
});

it('lets a pod that an event helps during its back-off wait that out first', async () => {
  const bench = new Bench().add('p');
  bench.queue.giveBack(bench.pop(), fit);
  bench.podGone();
  expect(bench.queue.counts).toMatchObject({ active: 0, backoff: 1 });
  await bench.clock.advance(1_000);
  expect(bench.queue.counts.active).toBe(1);
});

it('lets a pod whose plugin waited for the event skip its back-off', () => {
  const bench = new Bench().add('p');
  bench.queue.giveBack(bench.pop(), fit, true);
  bench.podGone();
  expect(bench.queue.counts.active).toBe(1);
});

it('does not miss an event that comes while the pod is being scheduled', () => {
  const bench = new Bench().add('p');
  const popped = bench.pop();
  bench.podGone();
  bench.queue.giveBack(popped, fit);
  expect(bench.queue.counts).toMatchObject({ backoff: 1, unschedulable: 0 });
});

it('does not count an event from before the pod was popped, nor one that no rejecting plugin wants', () => {
  const bench = new Bench().add('p').add('q');
  bench.pop();
  bench.podGone();
  const popped = bench.pop();
  bench.queue.onEvent({ resource: 'Node', actions: Action.updateNodeTaint, node: node('n'), old: node('n', { unschedulable: true }) });
  bench.queue.giveBack(popped, fit);
  expect(bench.queue.counts).toMatchObject({ backoff: 0, unschedulable: 1 });
});

it('tries an unschedulable pod again after five minutes without any event', async () => {
  const bench = new Bench().add('p');
  bench.queue.giveBack(bench.pop(), fit);
  await bench.clock.advance(299_999);
  expect(bench.queue.counts.unschedulable).toBe(1);
  await bench.clock.advance(1);
  expect(bench.queue.counts.active).toBe(1);
});

it('holds a pod with scheduling gates, also past the time limit, until the last gate is removed', async () => {
  const gated = (...names: string[]): PodShape => ({ spec: { containers: [container({})], schedulingGates: names.map((name) => ({ name })) } });
  const bench = new Bench().add('p', gated('a', 'b'));
  await bench.clock.advance(600_000);
  expect(bench.queue.counts).toMatchObject({ active: 0, gated: 1 });
  bench.add('p', gated('b'));
  expect(bench.queue.counts.gated).toBe(1);
  bench.add('p');
  expect(bench.queue.counts).toMatchObject({ active: 1, gated: 0 });
});

it('tries a pod again at once when a change of its own can help it, not when its status changed', async () => {
  const bench = new Bench().add('p', { cpu: '2' });
  bench.queue.giveBack(bench.pop(), fit);
  await bench.clock.advance(2_000);
  bench.add('p', { cpu: '2' });
  expect(bench.queue.counts.unschedulable).toBe(1);
  bench.add('p', { cpu: '1' });
  expect(bench.queue.counts.active).toBe(1);
});

it('takes a pod’s newest form into account that came while it was being scheduled', () => {
  const bench = new Bench().add('p', { cpu: '2' });
  const popped = bench.pop();
  bench.add('p', { cpu: '1' });
  bench.queue.giveBack(popped, fit);
  expect(bench.queue.counts.backoff).toBe(1);
  expect(bench.queue.find('pod-p')?.info.requests.amounts).toEqual([1000]);
});

it('moves an active pod when its priority changes', () => {
  const bench = new Bench().add('a', withPriority(1)).add('b', withPriority(2));
  bench.add('a', withPriority(3));
  expect(bench.names()).toEqual(['a', 'b']);
});

it.each<[string, (bench: Bench) => void]>([
  ['active', () => undefined],
  ['in back-off', (bench) => void bench.queue.giveBack(bench.pop(), new Set())],
  ['unschedulable', (bench) => void bench.queue.giveBack(bench.pop(), fit)],
])('forgets a deleted pod that is %s', async (_place, arrange) => {
  const bench = new Bench().add('p');
  arrange(bench);
  bench.queue.delete('pod-p');
  await bench.clock.advance(600_000);
  expect(bench.queue.counts).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0, inFlight: 0 });
});

it('does not take back a pod that was deleted while it was being scheduled', () => {
  const bench = new Bench().add('p');
  const popped = bench.pop();
  bench.queue.delete('pod-p');
  expect(bench.queue.giveBack(popped, fit)).toBe(false);
  expect(bench.queue.counts).toMatchObject({ inFlight: 0, unschedulable: 0 });
});

it('moves 1,000 waiting pods by one event and pops each once', async () => {
  const bench = new Bench();
  for (let i = 0; i < 1_000; i++) bench.add(`p${i}`, { cpu: '1' });
  for (let i = 0; i < 1_000; i++) bench.queue.giveBack(bench.pop(), fit);
  await bench.clock.advance(1_000);
  bench.podGone();
  expect(bench.queue.counts).toMatchObject({ active: 1_000, unschedulable: 0 });
  expect(new Set(bench.names()).size).toBe(1_000);
});

it('asks a hint once per event for 1,000 like pods', async () => {
  const bench = new Bench();
  for (let i = 0; i < 1_000; i++) bench.add(`p${i}`, { cpu: '1' });
  for (let i = 0; i < 1_000; i++) bench.queue.giveBack(bench.pop(), fit);
  const small = node('small', { cpu: '500m' });
  let read = 0;
  Object.defineProperty(small, 'status', { get: () => (read++, { allocatable: { cpu: { string: '500m' }, pods: { string: '10' } } }) });
  bench.queue.onEvent({ resource: 'Node', actions: Action.add, node: small });
  expect(bench.queue.counts.unschedulable).toBe(1_000);
  expect(read).toBeLessThan(10);
});

describe('events during attempts', () => {
  it('are bounded: a pod that missed too many is tried again', () => {
    const inFlight = new InFlight(10);
    inFlight.begin('a');
    for (let i = 0; i < 25; i++) inFlight.record({ resource: 'Node', actions: Action.add, node: node(`n${i}`) });
    inFlight.begin('b');
    inFlight.record({ resource: 'Node', actions: Action.delete });
    expect(inFlight.end('a')?.missed).toEqual([{ resource: 'Any', actions: 0 }]);
    expect(inFlight.end('b')?.missed).toEqual([{ resource: 'Node', actions: Action.delete }]);
  });

  it('reach each attempt that began before them, in whatever order attempts end', () => {
    const inFlight = new InFlight();
    const events = [1, 2, 4].map((actions) => ({ resource: 'Node' as const, actions }));
    ['a', 'b', 'c'].forEach((uid, i) => {
      inFlight.begin(uid);
      inFlight.record(events[i] as (typeof events)[0]);
    });
    expect(inFlight.end('b')?.missed).toEqual(events.slice(1));
    inFlight.finish('a');
    expect(inFlight.end('c')?.missed).toEqual(events.slice(2));
    expect(inFlight.size).toBe(0);
  });
});
