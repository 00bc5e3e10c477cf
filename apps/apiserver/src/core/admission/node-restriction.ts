import { deepEqual, isMirrorPod } from '@navarch/api';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';
import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { nodeOf, podReferences } from '../auth/node-authorizer';
import { forbidden } from '../errors';
import type { AdmissionAttributes, AdmissionPlugin } from './admission';
import { changedLabels, restrictedLabels } from './node-labels';

/** What admission must know of what is stored, from a current read where the cache lacks it. */
export interface NodeRestrictionSources {
  pod(namespace: string, name: string, signal: AbortSignal): Promise<Pod | undefined>;
  nodeUid(name: string, signal: AbortSignal): Promise<string | undefined>;
}

type Rule = (attributes: AdmissionAttributes, node: string, sources: NodeRestrictionSources) => Promise<string | undefined> | string | undefined;

const rules: Readonly<Record<string, Rule>> = {
  'pods.': (attributes, node, sources) => (attributes.subresource === '' ? podRule(attributes, node, sources) : podStatusRule(attributes, node)),
  'nodes.': nodeRule,
  'leases.coordination.k8s.io': leaseRule,
  'csinodes.storage.k8s.io': ({ name, object }, node) => (nameOf(name, object) === node ? undefined : 'can only access CSINode with the same name as the requesting node'),
};

/**
 * What a kubelet may write, beyond where it may write at all (Kubernetes' NodeRestriction): its own Node without the labels that place pods, mirror
 * pods of its own that use nothing of the cluster's, the status of its pods, its own lease. Tokens are judged where they are made.
 */
export function nodeRestriction(sources: NodeRestrictionSources): AdmissionPlugin {
  const ruleFor = ({ resource }: AdmissionAttributes): Rule | undefined => rules[`${resource.plural}.${resource.group}`];
  return {
    name: 'NodeRestriction',
    handles: (attributes) => nodeOf(attributes.user) !== undefined && ruleFor(attributes) !== undefined,
    async validate(attributes) {
      const why = await ruleFor(attributes)?.(attributes, nodeOf(attributes.user) ?? '', sources);
      if (why !== undefined) throw forbidden(attributes.resource, attributes.name, why);
    },
  };
}

const nameOf = (name: string, object: AdmissionAttributes['object']): string => name || (object?.metadata?.name ?? '');
const quoted = JSON.stringify;

async function podRule({ operation, object, namespace, name, signal }: AdmissionAttributes, node: string, sources: NodeRestrictionSources): Promise<string | undefined> {
  if (operation === 'CREATE') return mirrorPodRule(object as Pod, node, await sources.nodeUid(node, signal));
  if (operation === 'DELETE') {
    const pod = await sources.pod(namespace, name, signal);
    return pod && pod.spec?.nodeName !== node ? `node ${quoted(node)} can only delete pods with spec.nodeName set to itself` : undefined;
  }
  return `unexpected operation ${quoted(operation)}, node ${quoted(node)} can only create and delete mirror pods`;
}

function mirrorPodRule(pod: Pod, node: string, nodeUid: string | undefined): string | undefined {
  if (!isMirrorPod(pod)) return `pod does not have "kubernetes.io/config.mirror" annotation, node ${quoted(node)} can only create mirror pods`;
  if (pod.spec?.nodeName !== node) return `node ${quoted(node)} can only create pods with spec.nodeName set to itself`;
  const [owner, ...others] = pod.metadata?.ownerReferences ?? [];
  if (others.length > 0) return `node ${quoted(node)} can only create pods with a single owner reference set to itself`;
  if (owner && !isOwnNode(owner, node, nodeUid)) return `node ${quoted(node)} can only create pods with an owner reference set to itself`;
  const [reference] = podReferences(pod);
  return reference === undefined ? undefined : `node ${quoted(node)} can not create pods that reference ${reference}`;
}

const isOwnNode = ({ apiVersion, kind, name, uid, controller, blockOwnerDeletion }: OwnerReference, node: string, nodeUid: string | undefined): boolean =>
  apiVersion === 'v1' && kind === 'Node' && name === node && controller === true && blockOwnerDeletion !== true && uid === nodeUid;

function podStatusRule({ subresource, operation, object, oldObject }: AdmissionAttributes, node: string): string | undefined {
  if (subresource !== 'status') return `unexpected pod subresource ${quoted(subresource)}, only 'status' and 'eviction' are allowed`;
  if (operation !== 'UPDATE') return `unexpected operation ${quoted(operation)}`;
  if ((oldObject as Pod | undefined)?.spec?.nodeName !== node) return `node ${quoted(node)} can only update pod status for pods with spec.nodeName set to itself`;
  return changedLabels(object?.metadata?.labels, oldObject?.metadata?.labels).length > 0 ? `node ${quoted(node)} cannot update labels through pod status` : undefined;
}

function nodeRule({ operation, subresource, object, oldObject, name }: AdmissionAttributes, node: string): string | undefined {
  const named = nameOf(name, object);
  if (named !== node) return `node ${quoted(node)} is not allowed to modify node ${quoted(named)}`;
  const [next, previous] = [object as Node | undefined, oldObject as Node | undefined];
  if (operation === 'CREATE') {
    const set = restrictedLabels(Object.keys(next?.metadata?.labels ?? {}));
    if (next?.spec?.configSource) return `node ${quoted(node)} is not allowed to create a node with a non-nil configSource`;
    return set.length > 0 ? `node ${quoted(node)} is not allowed to set the following labels: ${set.join(', ')}` : undefined;
  }
  if (operation !== 'UPDATE') return `node ${quoted(node)} is not allowed to delete itself`;
  if (subresource === 'status') return undefined;
  if (!deepEqual(next?.spec?.taints ?? [], previous?.spec?.taints ?? [])) return `node ${quoted(node)} is not allowed to modify taints`;
  if (!deepEqual(next?.metadata?.ownerReferences ?? [], previous?.metadata?.ownerReferences ?? [])) return `node ${quoted(node)} is not allowed to modify ownerReferences`;
  const changed = restrictedLabels(changedLabels(next?.metadata?.labels, previous?.metadata?.labels));
  return changed.length > 0 ? `node ${quoted(node)} is not allowed to modify labels: ${changed.join(', ')}` : undefined;
}

function leaseRule({ namespace, name, object }: AdmissionAttributes, node: string): string | undefined {
  if (namespace !== 'kube-node-lease') return 'can only access leases in the "kube-node-lease" system namespace';
  return nameOf(name, object as Lease | undefined) === node ? undefined : 'can only access node lease with the same name as the requesting node';
}
