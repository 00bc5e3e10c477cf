import { pods as podResource } from '@navarch/api';

import type { Outcome } from './scenario';

/** Every node name that any version of a pod ever had, by pod. */
function bindings({ cluster }: Outcome): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { key, body, tombstone } of cluster.writes) {
    if (tombstone || key.resource !== 'pods') continue;
    const pod = podResource.codec.decode(body);
    if (!pod.spec?.nodeName) continue;
    const id = `${key.name} (${pod.metadata?.uid})`;
    found.set(id, (found.get(id) ?? new Set()).add(pod.spec.nodeName));
  }
  return found;
}

/** What went wrong in a run that came to rest, a line each: pods started twice or elsewhere, bound twice, with another's address. */
export function violations(outcome: Outcome): string[] {
  const { cluster, pods } = outcome;
  const runtimes = [...cluster.runtimes];
  const startedOn = (uid: string | undefined): string[] => runtimes.flatMap(([node, { starts }]) => starts.filter(({ podUid }) => podUid === uid).map(() => node));
  const addresses = pods.map(({ status }) => status?.podIP);
  return [
    ...pods.flatMap(({ metadata, spec }) => {
      const nodes = startedOn(metadata?.uid);
      return nodes.length === 1 && nodes[0] === spec?.nodeName ? [] : [`${metadata?.name} on ${spec?.nodeName} was started on: ${nodes.join(', ') || 'no node'}`];
    }),
    ...runtimes.flatMap(([node, { mostAtOnce }]) => (mostAtOnce > 1 ? [`${node} ran ${mostAtOnce} containers of one name at once`] : [])),
    ...[...bindings(outcome)].flatMap(([pod, nodes]) => (nodes.size > 1 ? [`${pod} was bound to ${[...nodes].join(', then ')}`] : [])),
    ...(new Set(addresses).size === pods.length ? [] : [`addresses are shared: ${addresses.join(', ')}`]),
  ];
}
