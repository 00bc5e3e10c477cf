import { leaseReleased, leaseTaken, mayTake } from './leader-lease';

const held = { metadata: { name: 'l' }, spec: { holderIdentity: 'a', leaseDurationSeconds: 15, acquireTime: { seconds: 100 }, renewTime: { seconds: 110 }, leaseTransitions: 3 } };

describe('the lease of a leader', () => {
  it.each([
    ['a free lease may be taken', { spec: {} }, 'b', 0, true],
    ['a released lease may be taken', leaseReleased(held, 0), 'b', 0, true],
    ['one’s own may be renewed', held, 'a', 0, true],
    ['another’s may not be taken while it is fresh', held, 'b', 14_999, false],
    ['another’s may be taken when it has not changed for its duration', held, 'b', 15_000, true],
    ['a lease that does not say counts by our own duration: too early', { spec: { holderIdentity: 'a' } }, 'b', 4_999, false],
    ['a lease that does not say counts by our own duration', { spec: { holderIdentity: 'a' } }, 'b', 5_000, true],
  ])('%s', (_name, lease, identity, sinceMs, expected) => {
    expect(mayTake(lease, identity, 1_000, 1_000 + sinceMs, 5_000)).toBe(expected);
  });

  it('a renewal keeps who and since when, a take-over counts as a transition', () => {
    expect(leaseTaken(held, 'a', 15_000, 200_000).spec).toEqual({ ...held.spec, renewTime: { seconds: 200 } });
    expect(leaseTaken(held, 'b', 14_001, 200_000).spec).toEqual({ holderIdentity: 'b', leaseDurationSeconds: 15, acquireTime: { seconds: 200 }, renewTime: { seconds: 200 }, leaseTransitions: 4 });
    expect(leaseTaken({ metadata: { name: 'l' } }, 'b', 15_000, 200_000).spec?.leaseTransitions).toBe(0);
  });

  it('a release keeps the count of transitions and names nobody', () => {
    expect(leaseReleased(held, 200_000).spec).toEqual({ leaseDurationSeconds: 1, acquireTime: { seconds: 200 }, renewTime: { seconds: 200 }, leaseTransitions: 3 });
  });
});
