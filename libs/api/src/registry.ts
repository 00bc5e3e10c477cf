import type { GroupVersionResource, Resource, ResourceRegistry } from './resource';
import { allResources } from './resources';

type Change = { readonly type: 'added' | 'removed'; readonly resource: Resource };

const keyOf = ({ group, version, resource }: GroupVersionResource): string => `${group}/${version}/${resource}`;

/**
 * A live registry, which starts with all built-in kinds unless others are given. Adding a kind that is there already replaces it (removed, then added: its shape
 * changed); removing one that is not there does nothing.
 */
export function createRegistry(initial: readonly Resource[] = allResources): ResourceRegistry {
  const resources = new Map<string, Resource>();
  const listeners = new Set<(change: Change) => void>();
  const notify = (change: Change): void => {
    for (const listener of [...listeners]) listener(change);
  };
  const registry: ResourceRegistry = {
    all: () => [...resources.values()],
    find: (ref) => resources.get(keyOf(ref)),
    findKind: (group, version, kind) => registry.all().find((one) => one.group === group && one.version === version && one.kind === kind),
    findName: (name) => findByName(registry.all(), name),
    add(resource) {
      const ref = { group: resource.group, version: resource.version, resource: resource.plural };
      registry.remove(ref);
      resources.set(keyOf(ref), resource);
      notify({ type: 'added', resource });
    },
    remove(ref) {
      const resource = resources.get(keyOf(ref));
      if (!resource) return;
      resources.delete(keyOf(ref));
      notify({ type: 'removed', resource });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  for (const resource of initial) registry.add(resource);
  return registry;
}

/** `po`, `pods`, `Pod`, `leases.coordination.k8s.io`, `leases.v1.coordination.k8s.io`; plural before short names, the first registered wins. */
function findByName(resources: readonly Resource[], name: string): Resource | undefined {
  const wanted = name.toLowerCase();
  const [word = '', ...rest] = wanted.split('.');
  const qualifier = rest.join('.');
  const inGroup = resources.filter(({ group, version }) => qualifier === '' || qualifier === group || qualifier === `${version}.${group}` || (group === '' && qualifier === version));
  const ways: readonly ((resource: Resource) => boolean)[] = [
    ({ plural }) => plural === word, ({ singular }) => singular === word,
    ({ shortNames }) => shortNames.includes(word), ({ kind }) => kind.toLowerCase() === word,
  ];
  for (const way of ways) {
    const found = inGroup.find(way);
    if (found) return found;
  }
  return undefined;
}
