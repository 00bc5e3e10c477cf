import type { Ingress } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { validateClassAnnotation, validateIngressSpec, validateIngressStatus } from '../../validation/ingress';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };
const shownHosts = 3;

function hostsText({ spec }: Ingress): string {
  const hosts = (spec?.rules ?? []).flatMap(({ host }) => (host ? [host] : []));
  if (hosts.length === 0) return '*';
  const shown = hosts.slice(0, shownHosts).join(',');
  return hosts.length > shownHosts ? `${shown} + ${hosts.length - shownHosts} more...` : shown;
}

function addressText({ status }: Ingress): string {
  const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => (ip || hostname ? [ip || hostname] : []));
  return [...new Set(addresses)].sort().join(',');
}

export const ingresses = defineResource<Ingress>({
  group: 'networking.k8s.io', version: 'v1', kind: 'Ingress', plural: 'ingresses', shortNames: ['ing'], namespaced: true, subresources: ['status'],
  codec: codecFor<Ingress>('k8s.io.api.networking.v1.Ingress'),
  ...countedGeneration<Ingress>(),
  validateCreate: (ingress) => [...validateMeta(ingress, meta), ...validateIngressSpec(ingress), ...validateClassAnnotation(ingress)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateIngressSpec(next)],
  status: statusStrategy<Ingress>((next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateIngressStatus(next)]),
  columns: [
    nameColumn,
    { name: 'Class', type: 'string', description: 'The name of the IngressClass resource that should be used.', value: ({ spec }) => spec?.ingressClassName ?? '<none>' },
    { name: 'Hosts', type: 'string', description: 'Hosts that incoming requests are matched against before the ingress rule', value: hostsText },
    { name: 'Address', type: 'string', description: 'Addresses of the load balancer', value: addressText },
    { name: 'Ports', type: 'string', description: 'Ports that accept connections', value: ({ spec }) => (spec?.tls?.length ? '80, 443' : '80') },
    ageColumn,
  ],
});
