import { configMaps, type Resource } from '@navarch/api';
import fc from 'fast-check';

import { itemOf } from './owner-graph';
import { planDependent, type OwnerState } from './plan-dependent';

const owner = (n: number) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: `o${n}`, uid: `u${n}` });
const item = (owners: number, over: { finalizers?: string[]; deletionTimestamp?: { seconds: number } } = {}) =>
  itemOf(configMaps as unknown as Resource, { metadata: { name: 'x', uid: 'x', ...(owners > 0 && { ownerReferences: Array.from({ length: owners }, (_, n) => owner(n)) }), ...over } });

describe('what becomes of an object', () => {
  const cases: readonly (readonly [string, readonly OwnerState[], boolean, { finalizers?: string[] }, ReturnType<typeof planDependent>])[] = [
    ['all owners absent: deleted in the background', ['absent', 'absent'], false, {}, { type: 'delete', policy: 'Background', unblock: false }],
    ['by the finalizers it has itself', ['absent'], false, { finalizers: ['orphan'] }, { type: 'delete', policy: 'Orphan', unblock: false }],
    ['by the finalizers it has itself (foreground)', ['absent'], false, { finalizers: ['foregroundDeletion'] }, { type: 'delete', policy: 'Foreground', unblock: false }],
    ['an owner waits for it: deleted in the foreground', ['absent', 'waiting'], false, {}, { type: 'delete', policy: 'Foreground', unblock: false }],
    ['in a circle it stops blocking first', ['waiting'], true, {}, { type: 'delete', policy: 'Foreground', unblock: true }],
    ['an owner is there: only the others are let go', ['absent', 'present', 'waiting'], false, {}, { type: 'release', owners: [owner(1)] }],
    ['an owner that nobody can ask for is as good as there', ['absent', 'unknown'], false, {}, { type: 'release', owners: [owner(1)] }],
    ['misplaced owners alone never delete it', ['misplaced'], false, {}, { type: 'keep' }],
  ];
  it.each(cases)('%s', (_name, states, inCycle, over, wanted) => {
    expect(planDependent(item(states.length, over), states, inCycle)).toEqual(wanted);
  });

  it('it is deleted exactly when it has owners and every one of them is gone or going', () => {
    const states = fc.array(fc.constantFrom<OwnerState>('present', 'absent', 'waiting', 'unknown', 'misplaced'), { maxLength: 4 });
    fc.assert(fc.property(states, fc.boolean(), (given, deleting) => {
      const plan = planDependent(item(given.length, deleting ? { deletionTimestamp: { seconds: 1 } } : {}), given, false);
      expect(plan.type === 'delete').toBe(!deleting && given.length > 0 && given.every((state) => state === 'absent' || state === 'waiting'));
    }));
  });
});
