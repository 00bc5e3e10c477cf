import type { SubresourceTable } from './discovery';

const readWrite = ['get', 'patch', 'update'];
const connect = ['create', 'get'];
const proxied = ['create', 'delete', 'get', 'patch', 'update'];

/** Subresources whose kind or verbs differ from those of a view of the object itself. */
const special: Readonly<Record<string, { readonly group?: string; readonly version?: string; readonly kind?: string; readonly verbs: readonly string[] }>> = {
  attach: { kind: 'PodAttachOptions', verbs: connect },
  binding: { kind: 'Binding', verbs: ['create'] },
  eviction: { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
  exec: { kind: 'PodExecOptions', verbs: connect },
  finalize: { verbs: ['update'] },
  log: { verbs: ['get'] },
  portforward: { kind: 'PodPortForwardOptions', verbs: connect },
  scale: { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: readWrite },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] },
};

/** What discovery says of a subresource. */
export const subresourceInfo: SubresourceTable = (resource, subresource) => {
  if (subresource === 'proxy') return { kind: `${resource.kind}ProxyOptions`, verbs: proxied };
  const found = special[subresource];
  return { ...(found?.version !== undefined && { group: found.group ?? '', version: found.version }), kind: found?.kind ?? resource.kind, verbs: found?.verbs ?? readWrite };
};
