import { createRegistry } from './registry';
import type { Resource } from './resource';
import { leases } from './resources/coordination/leases';
import { pods } from './resources/core/pods';

describe('the registry', () => {
  it.each([['po', 'pods'], ['pods', 'pods'], ['Pod', 'pods'], ['PODS', 'pods'], ['cm', 'configmaps'], ['lease', 'leases'], ['leases.coordination.k8s.io', 'leases'],
    ['leases.v1.coordination.k8s.io', 'leases'], ['pods.v1', 'pods']])('finds %s as a person types it', (name, plural) => {
    expect(createRegistry().findName(name)?.plural).toBe(plural);
  });

  it('knows no name of another group', () => {
    expect(createRegistry().findName('pods.apps')).toBeUndefined();
    expect(createRegistry().findName('constructor')).toBeUndefined();
  });

  it('finds by reference and by kind', () => {
    const registry = createRegistry();
    expect(registry.find({ group: '', version: 'v1', resource: 'pods' })).toBe(pods);
    expect(registry.findKind('coordination.k8s.io', 'v1', 'Lease')).toBe(leases);
    expect(registry.find({ group: 'apps', version: 'v1', resource: 'pods' })).toBeUndefined();
  });

  it('is live: tells of kinds that come and go, and nobody who left', () => {
    const registry = createRegistry([]);
    const seen: string[] = [];
    const stop = registry.subscribe(({ type, resource }) => void seen.push(`${type} ${resource.plural}`));
    registry.add(pods as unknown as Resource);
    registry.add(pods as unknown as Resource);
    registry.remove({ group: '', version: 'v1', resource: 'pods' });
    registry.remove({ group: '', version: 'v1', resource: 'pods' });
    stop();
    registry.add(pods as unknown as Resource);
    expect(seen).toEqual(['added pods', 'removed pods', 'added pods', 'removed pods']);
  });
});
