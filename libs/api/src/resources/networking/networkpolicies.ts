import type { NetworkPolicy } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { selectorText } from '../../selectors/selector-text';
import { validatePolicySpec } from '../../validation/network-policy';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };

/** A policy without types is for ingress, and for egress too when it has rules for that. */
function setDefaults(policy: NetworkPolicy): void {
  const spec = (policy.spec ??= {});
  spec.podSelector ??= {};
  for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of ports) port.protocol ??= 'TCP';
  if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
}

export const networkPolicies = defineResource<NetworkPolicy>({
  group: 'networking.k8s.io', version: 'v1', kind: 'NetworkPolicy', plural: 'networkpolicies', shortNames: ['netpol'], namespaced: true,
  codec: codecFor<NetworkPolicy>('k8s.io.api.networking.v1.NetworkPolicy'),
  setDefaults,
  ...countedGeneration<NetworkPolicy>(),
  validateCreate: (policy) => [...validateMeta(policy, meta), ...validatePolicySpec(policy)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validatePolicySpec(next)],
  columns: [
    nameColumn,
    { name: 'Pod-Selector', type: 'string', description: 'Selects the pods to which this policy applies.', value: ({ spec }) => selectorText(spec?.podSelector) || '<none>' },
    ageColumn,
  ],
});
