/** Labels that a node may not set on itself, because people place pods by them (Kubernetes' NodeRestriction, KEP-279). */
type Labels = Readonly<Record<string, string>>;

const own = new Set([
  'kubernetes.io/hostname', 'kubernetes.io/os', 'kubernetes.io/arch', 'beta.kubernetes.io/os', 'beta.kubernetes.io/arch', 'beta.kubernetes.io/instance-type', 'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/zone', 'topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region',
]);

const within = (domain: string, ...parents: readonly string[]): boolean => parents.some((parent) => domain === parent || domain.endsWith(`.${parent}`));

/** Those of the keys that are reserved, in alphabetical order: node-restriction.kubernetes.io's, and Kubernetes' own but for what kubelets report. */
export function restrictedLabels(keys: readonly string[]): string[] {
  return keys.filter((key) => {
    const domain = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
    if (own.has(key) || within(domain, 'kubelet.kubernetes.io', 'node.kubernetes.io')) return false;
    return within(domain, 'kubernetes.io', 'k8s.io');
  }).sort();
}

/** Keys that were added, removed or given another value. */
export function changedLabels(next: Labels = {}, previous: Labels = {}): string[] {
  return [...new Set([...Object.keys(next), ...Object.keys(previous)])].filter((key) => next[key] !== previous[key]);
}
