import type { Node, NodeStatus } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { findCondition } from '../../meta/conditions';
import type { Resource } from '../../resource';
import { subdomainName } from '../../validation/object-meta';
import { validateNode, validateNodeStatus, validateNodeUpdate } from '../../validation/node';
import { ageColumn, nameColumn } from '../columns';

const rolePrefix = 'node-role.kubernetes.io/';
const roleLabel = 'kubernetes.io/role';
const meta = { namespaced: false, name: subdomainName };

/** podCIDR is the first of podCIDRs, and what can be allocated is the capacity unless the node says less. */
function setDefaults(node: Node): void {
  const { spec, status } = node;
  if (spec?.podCIDR && !spec.podCIDRs?.length) spec.podCIDRs = [spec.podCIDR];
  else if (spec?.podCIDRs?.length) spec.podCIDR ??= spec.podCIDRs[0];
  if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
}

function statusText({ spec, status }: Node): string {
  const ready = findCondition(status?.conditions, 'Ready');
  const text = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return spec?.unschedulable ? `${text},SchedulingDisabled` : text;
}

function rolesText({ metadata }: Node): string {
  const roles = Object.entries(metadata?.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.length > rolePrefix.length ? [key.slice(rolePrefix.length)] : [];
    return key === roleLabel && value !== '' ? [value] : [];
  });
  return [...new Set(roles)].sort().join(',') || '<none>';
}

function addressOf(status: NodeStatus | undefined, type: string): string {
  return status?.addresses?.find((address) => address.type === type)?.address ?? '<none>';
}

function kernelText(status: NodeStatus | undefined): string {
  const { kernelVersion = '<unknown>', architecture } = status?.nodeInfo ?? {};
  return architecture ? `${kernelVersion} (${architecture})` : kernelVersion;
}

const columns: Resource<Node>['columns'] = [
  nameColumn,
  { name: 'Status', type: 'string', description: 'The status of the node', value: statusText },
  { name: 'Roles', type: 'string', description: 'The roles of the node', value: rolesText },
  ageColumn,
  { name: 'Version', type: 'string', description: 'Kubelet Version reported by the node.', value: ({ status }) => status?.nodeInfo?.kubeletVersion ?? '' },
  { name: 'Internal-IP', type: 'string', priority: 1, description: 'Address inside the cluster', value: ({ status }) => addressOf(status, 'InternalIP') },
  { name: 'External-IP', type: 'string', priority: 1, description: 'Address outside the cluster', value: ({ status }) => addressOf(status, 'ExternalIP') },
  { name: 'OS-Image', type: 'string', priority: 1, description: 'Operating system reported by the node', value: ({ status }) => status?.nodeInfo?.osImage ?? '<unknown>' },
  { name: 'Kernel-Version', type: 'string', priority: 1, description: 'Kernel reported by the node', value: ({ status }) => kernelText(status) },
  { name: 'Container-Runtime', type: 'string', priority: 1, description: 'Container runtime reported by the node', value: ({ status }) => status?.nodeInfo?.containerRuntimeVersion ?? '<unknown>' },
];

/** A node that registers brings its status along; afterwards status has its own door. */
export const nodes = defineResource<Node>({
  group: '', version: 'v1', kind: 'Node', plural: 'nodes', shortNames: ['no'], namespaced: false,
  subresources: ['proxy', 'status'],
  codec: codecFor<Node>('k8s.io.api.core.v1.Node'),
  setDefaults,
  prepareForUpdate(next, previous) {
    next.status = previous.status;
  },
  validateCreate: (node) => validateNode(node, meta),
  validateUpdate: (next, previous) => validateNodeUpdate(next, previous, meta),
  status: {
    ...statusStrategy<Node>((next, previous) => validateNodeStatus(next, previous, meta)),
  },
  fieldSelectors: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable === true) },
  columns,
});
