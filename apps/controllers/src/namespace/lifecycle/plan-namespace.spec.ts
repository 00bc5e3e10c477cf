import { nextLook, sameConditions, terminationConditions, type Look } from './plan-namespace';

const texts = (conditions: ReturnType<typeof terminationConditions>): string[] => conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);

const discovered = [
  'NamespaceDeletionDiscoveryFailure=False ResourcesDiscovered: All resources successfully discovered',
  'NamespaceDeletionGroupVersionParsingFailure=False ParsedGroupVersions: All legacy kube types successfully parsed',
];

describe('looks at a terminating namespace', () => {
  const left = (count: number) => [{ resource: 'pods', count, finalizers: {}, failures: [] }];

  it('come soon while things go, ever later where nothing moves, and never more than five seconds apart', () => {
    let look: Look | undefined;
    const delays = [10, 7, 7, 7, 7, 7, 7, 3, 3].map((count) => (look = nextLook(left(count), look)).delayMs);
    expect(delays).toEqual([500, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 500, 1_000]);
  });

  it('go to the kinds that had something left', () => {
    expect([...nextLook(left(1), undefined).left]).toEqual(['pods']);
  });
});

describe('conditions of a terminating namespace', () => {
  it('say what remains, by kind and finalizer, in Kubernetes’ words', () => {
    const remaining = [
      { resource: 'pods', count: 2, finalizers: { 'example.com/wait': 1 }, failures: [] },
      { resource: 'leases.coordination.k8s.io', count: 1, finalizers: { 'example.com/wait': 1 }, failures: [] },
    ];
    expect(texts(terminationConditions(remaining, [], 1000))).toEqual([
      ...discovered,
      'NamespaceDeletionContentFailure=False ContentDeleted: All content successfully deleted, may be waiting on finalization',
      'NamespaceContentRemaining=True SomeResourcesRemain: Some resources are remaining: leases.coordination.k8s.io has 1 resource instances, pods has 2 resource instances',
      'NamespaceFinalizersRemaining=True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/wait in 2 resource instances',
    ]);
  });

  it('say what could not be deleted', () => {
    expect(texts(terminationConditions([{ resource: 'pods', count: 0, finalizers: {}, failures: ['pods: no'] }], [], 1000))).toEqual([
      ...discovered,
      'NamespaceDeletionContentFailure=True ContentDeletionFailed: Failed to delete all resource types, 1 remaining: pods: no',
      'NamespaceContentRemaining=False ContentRemoved: All content successfully removed',
      'NamespaceFinalizersRemaining=False ContentHasNoFinalizers: All content-preserving finalizers finished',
    ]);
  });

  it('say that the kinds there are cannot be told', () => {
    expect(texts(terminationConditions([], [], 1000, 'no registry'))[0]).toBe('NamespaceDeletionDiscoveryFailure=True DiscoveryFailed: Discovery failed for some groups: no registry');
  });

  it('keep the time of the last change, and conditions of others', () => {
    const first = terminationConditions([{ resource: 'pods', count: 1, finalizers: {}, failures: [] }], [{ type: 'Other', status: 'True' }], 1000);
    const second = terminationConditions([{ resource: 'pods', count: 3, finalizers: {}, failures: [] }], first, 9000);
    expect(second.map(({ type, lastTransitionTime }) => [type, lastTransitionTime?.seconds])).toEqual([
      ['Other', undefined], ['NamespaceDeletionDiscoveryFailure', 1], ['NamespaceDeletionGroupVersionParsingFailure', 1], ['NamespaceDeletionContentFailure', 1], ['NamespaceContentRemaining', 1], ['NamespaceFinalizersRemaining', 1],
    ]);
    expect([sameConditions(first, first), sameConditions(first, second)]).toEqual([true, false]);
  });
});
