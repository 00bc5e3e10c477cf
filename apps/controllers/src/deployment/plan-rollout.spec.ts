import { deploymentOf, setOf } from './testing';
import { fencesOf } from './facts';
import { newSetSize, rollingSizes } from './plan-rollout';

describe('maxSurge and maxUnavailable as numbers', () => {
  it.each([
    ['percentages: surge rounded up, unavailable down', 10, '25%', '25%', { maxSurge: 3, maxUnavailable: 2 }],
    ['plain numbers', 10, 3, 2, { maxSurge: 3, maxUnavailable: 2 }],
    ['both would come to nothing: one may be unavailable', 1, 0, '25%', { maxSurge: 0, maxUnavailable: 1 }],
    ['never more unavailable than there are', 2, 0, 5, { maxSurge: 0, maxUnavailable: 2 }],
    ['no pods at all', 0, '25%', '25%', { maxSurge: 0, maxUnavailable: 0 }],
    ['all at once', 4, '100%', '100%', { maxSurge: 4, maxUnavailable: 4 }],
  ])('%s', (_name, replicas, surge, unavailable, expected) => expect(fencesOf(deploymentOf(replicas, surge, unavailable))).toEqual(expected));

  it('count for rolling updates only', () => expect(fencesOf(deploymentOf(10, 3, 2, { strategy: { type: 'Recreate' } }))).toEqual({ maxSurge: 0, maxUnavailable: 0 }));
});

describe('the new ReplicaSet grows', () => {
  it.each([
    ['nothing before: to its whole size at once', 10, 0, 0, 0, 10],
    ['only as far as maxSurge, beside all of the old', 10, 2, 10, 0, 2],
    ['by what the old ones have given up', 10, 2, 8, 2, 4],
    ['not beyond what is wanted', 10, 5, 2, 8, 10],
    ['not at all when there are as many as may be', 10, 0, 10, 0, 0],
    ['not when a smaller size left too many', 5, 1, 10, 0, 0],
    ['down to what is wanted', 3, 0, 0, 7, 3],
  ])('%s', (_name, replicas, surge, old, present, expected) => expect(newSetSize(deploymentOf(replicas, surge), [setOf('old', old)], present)).toBe(expected));
});

describe('a step of a rolling update', () => {
  const names = (sizes: ReturnType<typeof rollingSizes>) => Object.fromEntries([...sizes].map(([{ metadata }, size]) => [metadata?.name, size]));

  it.each([
    ['surge 2, unavailable 1: up by two, down by one at once', deploymentOf(10, 2, 1), setOf('new', 0), [setOf('old', 10, { available: 10 })], { new: 2, old: 9 }],
    ['new pods that are not available free no old ones', deploymentOf(10, 2, 1), setOf('new', 3), [setOf('old', 9, { available: 9 })], {}],
    ['each available new pod frees an old one and its own successor', deploymentOf(10, 2, 1), setOf('new', 3, { available: 2 }), [setOf('old', 9, { available: 9 })], { old: 7 }],
    ['no surge: the old make room first', deploymentOf(4, 0, 1), setOf('new', 0), [setOf('old', 4, { available: 4 })], { old: 3 }],
    ['no unavailability: the new must be available first', deploymentOf(4, 1, 0), setOf('new', 1), [setOf('old', 4, { available: 4 })], {}],
    ['old pods that are not available anyway go first, the oldest set’s', deploymentOf(10, 0, 2), setOf('new', 0), [setOf('older', 5, { available: 3, created: 1 }), setOf('old', 5, { available: 5, created: 2 })], { older: 3 }],
    ['of available ones the oldest set’s go first', deploymentOf(10, 0, 4), setOf('new', 0), [setOf('old', 5, { available: 5, created: 2 }), setOf('older', 5, { available: 5, created: 1 })], { older: 1 }],
    ['a status from before the set shrank is not believed', deploymentOf(10, 0, 1), setOf('new', 1), [setOf('old', 9, { available: 10, replicas: 10 })], {}],
    ['nothing old, nothing to do', deploymentOf(4, 1, 1), setOf('new', 4, { available: 1 }), [setOf('old', 0)], {}],
    ['a new set that is too large shrinks', deploymentOf(3, 1, 1), setOf('new', 5, { available: 5 }), [], { new: 3 }],
  ])('%s', (_name, deployment, newSet, oldSets, expected) => expect(names(rollingSizes(deployment, newSet, oldSets))).toEqual(expected));
});
