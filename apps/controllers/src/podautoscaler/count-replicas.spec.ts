import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import fc from 'fast-check';

import { averageScoring, countByPods, countByShare, countByValue, utilizationScoring } from './count-replicas';
import { groupPods, type PodReadings } from './pod-groups';
import { requestsOf } from './propose-replicas';

const nowMs = 10_000_000;
const tolerances = { up: 0.1, down: 0.1 };
const rules = { cpuInitializationMs: 300_000, initialReadinessMs: 30_000 };
const at = (secondsAgo: number) => ({ seconds: nowMs / 1_000 - secondsAgo });
const readingsOf = (millis: readonly number[], atMs = nowMs): PodReadings => new Map(millis.map((milli, index) => [`p${index}`, { milli, atMs, windowMs: 10_000 }]));
const groupsOf = (ready: number, unready = 0, missing = 0) => {
  const names = Array.from({ length: ready + unready + missing }, (_, index) => `p${index}`);
  return { ready: names.slice(0, ready), unready: names.slice(ready, ready + unready), missing: names.slice(ready + unready) };
};
const requests = (count: number, milli: number): Map<string, number> => new Map(Array.from({ length: count }, (_, index) => [`p${index}`, milli]));

describe('the size by the pods\' figures', () => {
  it.each<[string, number, number[], number, number, number, number]>([
    // [what, current, ready pods' milli, unready, missing, target %, wanted]; each pod requests 1000m
    ['grows in proportion to what is used', 3, [300, 500, 700], 0, 0, 30, 5],
    ['shrinks in proportion to it', 5, [100, 300, 500, 250, 250], 0, 0, 50, 3],
    ['stays within the tolerance', 3, [320, 330, 310], 0, 0, 30, 3],
    ['leaves it just outside of the tolerance', 10, Array<number>(10).fill(340), 0, 0, 30, 12],
    ['a pod not yet ready counts as idle where it grows, so that it grows less', 3, [500, 700], 1, 0, 30, 4],
    ['and not at all where that turns the direction round', 3, [400], 2, 0, 30, 3],
    ['a pod not yet ready does not count where it shrinks', 3, [150, 150], 1, 0, 30, 1],
    ['a missing pod counts as idle where it grows', 4, [600, 600, 600], 0, 1, 40, 5],
    ['a missing pod counts as using all that it requests where it shrinks', 5, [100, 100, 100, 100], 0, 1, 50, 3],
    ['missing pods never make it grow when it would shrink', 4, [300, 300], 0, 2, 50, 4],
    ['missing and unready pods together', 4, [1_000, 1_000], 1, 1, 40, 5],
  ])('%s', (_name, current, millis, unready, missing, target, wanted) => {
    const count = millis.length + unready + missing;
    expect(countByPods(current, groupsOf(millis.length, unready, missing), readingsOf(millis), utilizationScoring(target, requests(count, 1_000)), tolerances)).toBe(wanted);
  });

  it('an average works without requests; a missing pod is taken to use the target where it shrinks', () => {
    expect(countByPods(3, groupsOf(3), readingsOf([20_000, 10_000, 30_000]), averageScoring(15_000), tolerances)).toBe(4);
    expect(countByPods(4, groupsOf(3, 0, 1), readingsOf([5_000, 5_000, 5_000]), averageScoring(10_000), tolerances)).toBe(3);
  });

  it('is the present size wherever the figures are on target, and grows with them, never the other way', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100 }), fc.nat(5), fc.nat(5), fc.integer({ min: 1, max: 400 }), (ready, target, unready, missing, used) => {
      const current = ready + unready + missing;
      const wanted = countByPods(current, groupsOf(ready, unready, missing), readingsOf(Array<number>(ready).fill(used * 10)), utilizationScoring(target, requests(current, 1_000)), tolerances);
      if (used > target * 1.1) expect(wanted).toBeGreaterThanOrEqual(Math.min(current, ready));
      if (used < target * 0.9 && unready === 0) expect(wanted).toBeLessThanOrEqual(current);
      if (used === target && unready + missing === 0) expect(wanted).toBe(current);
    }));
  });
});

describe('the size by one figure', () => {
  it('against a value: so many times the ready pods', () => {
    expect(countByValue(3, 3, 20 / 15, tolerances)).toBe(4);
    expect(countByValue(3, 3, 1.05, tolerances)).toBe(3);
    expect(countByValue(0, 0, 2.5, tolerances)).toBe(3);
  });

  it('shared out among all: as many as it takes', () => {
    expect(countByShare(3, 100_000, 10_000, tolerances)).toBe(10);
    expect(countByShare(10, 105_000, 10_000, tolerances)).toBe(10);
    expect(countByShare(0, 25_000, 10_000, tolerances)).toBe(3);
  });
});

describe('which pods count', () => {
  const pod = (name: string, over: { phase?: string; deleted?: boolean; startedAgo?: number; ready?: string; changedAgo?: number } = {}): Pod => {
    const { phase = 'Running', deleted, startedAgo = 3_600, ready = 'True', changedAgo = 3_600 } = over;
    return {
      metadata: { name, ...(deleted && { deletionTimestamp: at(0) }) },
      status: { phase, startTime: at(startedAgo), conditions: [{ type: 'Ready', status: ready, lastTransitionTime: at(changedAgo) }] },
    };
  };
  it.each<[string, Pod, 'ready' | 'unready' | 'missing' | 'none', string]>([
    ['an ordinary pod counts', pod('p0'), 'ready', 'cpu'],
    ['a pod that goes does not', pod('p0', { deleted: true }), 'none', 'cpu'],
    ['a pod that failed does not', pod('p0', { phase: 'Failed' }), 'none', 'cpu'],
    ['a pod that is over does not', pod('p0', { phase: 'Succeeded' }), 'none', 'memory'],
    ['a pod that has not begun is not to be judged', pod('p0', { phase: 'Pending' }), 'unready', 'memory'],
    ['a pod without a figure is missing', pod('other'), 'missing', 'cpu'],
    ['a young pod that is not ready is not to be judged by its CPU', pod('p0', { startedAgo: 60, ready: 'False', changedAgo: 60 }), 'unready', 'cpu'],
    ['but by its memory', pod('p0', { startedAgo: 60, ready: 'False', changedAgo: 60 }), 'ready', 'memory'],
    ['a young pod that was not ready for all of the window is not to be judged by its CPU', pod('p0', { startedAgo: 60, changedAgo: 5 }), 'unready', 'cpu'],
    ['a young pod that was ready for all of it counts', pod('p0', { startedAgo: 60, changedAgo: 30 }), 'ready', 'cpu'],
    ['an old pod that lost its readiness counts', pod('p0', { ready: 'False', changedAgo: 600 }), 'ready', 'cpu'],
    ['an old pod that never was ready does not', pod('p0', { ready: 'False', changedAgo: 3_590 }), 'unready', 'cpu'],
  ])('%s', (_name, one, group, resource) => {
    const { name = '' } = one.metadata ?? {};
    const expected = { ready: [], unready: [], missing: [], ...(group !== 'none' && { [group]: [name] }) };
    expect(groupPods([one], readingsOf([100]), resource, rules, nowMs)).toEqual(expected);
  });

  it('requests are those of the containers and sidecars, or of one container; a container without one is named', () => {
    const container = (name: string, cpu?: string) => ({ name, ...(cpu && { resources: { requests: { cpu: { string: cpu } } } }) });
    const spec = { containers: [container('main', '100m'), container('side', '1')], initContainers: [{ ...container('proxy', '50m'), restartPolicy: 'Always' }, container('setup')] };
    expect(requestsOf([{ metadata: { name: 'a' }, spec }], 'cpu').get('a')).toBe(1_150);
    expect(requestsOf([{ metadata: { name: 'a' }, spec }], 'cpu', 'side').get('a')).toBe(1_000);
    expect(() => requestsOf([{ metadata: { name: 'a' }, spec }], 'memory')).toThrow('missing request for memory in container main of Pod a');
  });
});
