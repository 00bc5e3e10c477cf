import fc from 'fast-check';

import type { CgroupUsage } from '../host/host';
import { createRig, isReadyPod, testImage, type Rig } from '../testing/rig';
import { kubeletMetrics, resourceMetrics, statsSummary } from './documents';
import { Meter } from './meter';

const startMs = Date.UTC(2026, 0, 1);
const mebibyte = 1024 ** 2;
const reading = (cpuNanoseconds: number, workingSetBytes = mebibyte): CgroupUsage => ({ cpuNanoseconds, memoryBytes: workingSetBytes + 7, workingSetBytes });

describe('rates from counters', () => {
  const at = (ms: number) => ({ nowMs: 1_000_000 + ms, monotonicMs: ms });

  it('a rate needs two readings, and lasts over the time between them', () => {
    const meter = new Meter();
    meter.take('c', reading(5e9), at(100));
    expect(meter.usage('c')).toBeUndefined();
    meter.take('c', reading(7e9), at(4_100));
    expect(meter.usage('c')).toMatchObject({ cpuNanocores: 500_000_000, windowMs: 4_000, atMs: 1_004_100, workingSetBytes: mebibyte });
  });

  it('what has begun a moment ago is measured from its beginning', () => {
    const meter = new Meter();
    meter.take('c', reading(1e9), at(100), 2_000);
    expect(meter.usage('c')).toMatchObject({ cpuNanocores: 500_000_000, windowMs: 2_000 });
  });

  it('what is gone is forgotten', () => {
    const meter = new Meter();
    meter.take('c', reading(1e9), at(100), 2_000);
    meter.keep(new Set(['d']));
    expect(meter.usage('c')).toBeUndefined();
  });

  it('a rate is never negative, whatever the counters do', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 100 })), { minLength: 2 }), (readings) => {
      const meter = new Meter();
      let now = 0;
      for (const [counter, gap] of readings) meter.take('c', reading(counter), at(now += gap));
      const { cpuNanocores = 0, windowMs = 1 } = meter.usage('c') ?? {};
      expect(cpuNanocores).toBeGreaterThanOrEqual(0);
      expect(Number.isFinite(cpuNanocores)).toBe(true);
      expect(windowMs).toBeGreaterThan(0);
    }));
  });
});

describe('the kubelet\'s figures', () => {
  let rig: Rig;
  const counters = new Map<string, number>();
  const asked: string[] = [];
  /** Every container has used half a core since the first look at it. */
  const cgroupUsage = (path: string): CgroupUsage | undefined => {
    asked.push(path);
    const began = counters.get(path) ?? rig.clock.now();
    counters.set(path, began);
    return reading(1e9 + (rig.clock.now() - began) * 500_000, 3 * mebibyte);
  };
  /** A tenth of a core, whoever asks how often; the node is asked before there is a rig. */
  let now = (): number => startMs;

  beforeEach(async () => {
    counters.clear();
    now = () => startMs;
    rig = await createRig({ host: { cgroupUsage, usage: () => ({ cpuNanoseconds: now() * 100_000, memoryWorkingSetBytes: 64 * mebibyte }) } });
    now = () => rig.clock.now();
  });
  afterEach(() => rig.close());

  it('of each running container come from its cgroup, with the true window and time', async () => {
    await rig.createPod({ containers: [{ name: 'main', image: testImage }, { name: 'side', image: testImage, resources: { requests: { cpu: { string: '100m' } } } }] });
    const pod = await rig.until(isReadyPod);
    await rig.clock.advance(40_000);
    const { node, pods } = rig.kubelet.stats();
    expect(asked.at(-1)).toMatch(new RegExp(`^/kubepods/burstable/pod${pod.metadata?.uid}/[^/]+$`));
    expect(node).toMatchObject({ cpuNanocores: 100_000_000, windowMs: 10_000, workingSetBytes: 64 * mebibyte });
    expect(pods).toMatchObject([{ identity: { name: 'web', namespace: 'default', uid: pod.metadata?.uid }, containers: [
      { name: 'main', usage: { cpuNanocores: 500_000_000, windowMs: 10_000, workingSetBytes: 3 * mebibyte } }, { name: 'side', usage: { cpuNanocores: 500_000_000 } },
    ] }]);
    expect(rig.clock.now() - (pods[0]?.containers[0]?.usage.atMs ?? 0)).toBeLessThanOrEqual(10_000);
  });

  it('a pod that has gone is in none of them', async () => {
    await rig.createPod({ containers: [{ name: 'main', image: testImage }], terminationGracePeriodSeconds: 1 });
    await rig.until(isReadyPod);
    await rig.clock.advance(30_000);
    expect(rig.kubelet.stats().pods).toHaveLength(1);
    const deleted = rig.api.client.resource((await import('@navarch/api')).pods).delete('default', 'web');
    await rig.untilGone();
    await deleted;
    expect(rig.kubelet.stats().pods).toEqual([]);
  });

  it('the documents: summary, and metrics for Prometheus', async () => {
    await rig.createPod({ containers: [{ name: 'main', image: testImage }] });
    await rig.until(isReadyPod);
    await rig.clock.advance(30_000);
    const measured = rig.kubelet.stats();
    expect(statsSummary('node-1', measured)).toMatchObject({
      node: { nodeName: 'node-1', cpu: { usageNanoCores: 100_000_000 }, memory: { workingSetBytes: 64 * mebibyte } },
      pods: [{ podRef: { name: 'web', namespace: 'default' }, cpu: { usageNanoCores: 500_000_000 }, containers: [{ name: 'main', memory: { workingSetBytes: 3 * mebibyte, usageBytes: 3 * mebibyte + 7 } }] }],
    });
    const text = resourceMetrics(measured);
    expect(text).toMatch(/^container_memory_working_set_bytes\{container="main",namespace="default",pod="web"\} 3145728 \d+$/m);
    expect(text).toMatch(/^pod_cpu_usage_seconds_total\{namespace="default",pod="web"\} [\d.]+ \d+$/m);
    expect(text).toMatch(/^node_cpu_usage_seconds_total [\d.]+ \d+$/m);
    expect(text).toMatch(/^resource_scrape_error 0$/m);
    expect(kubeletMetrics('node-1', 1, 2)).toContain('kubelet_running_containers{container_state="running"} 2\n');
  });
});

it('without readings there are no figures, and the metrics say so', () => {
  const nothing = { node: undefined, pods: [] };
  expect(statsSummary('node-1', nothing)).toEqual({ node: { nodeName: 'node-1' }, pods: [] });
  expect(resourceMetrics(nothing)).toContain('resource_scrape_error 1\n');
});
