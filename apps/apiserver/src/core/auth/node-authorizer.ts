import { podClaims, volumeNodeLabel } from '@navarch/api';
import type { EnvFromSource, EnvVar, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { User } from '../request';
import type { AuthorizationAttributes, Authorizer } from './authorizer';
import { nodeRules } from './bootstrap/components';
import { answers } from './rules';

const userPrefix = 'system:node:';

/** What the node rule needs to know of pods. Answers may be a moment old, like every authorization. */
export interface NodePods {
  pod(namespace: string, name: string): Pod | undefined;
  onNode(node: string): readonly Pod[];
  /** A volume's claim, and the node that it lies on where it is a local one. */
  volume?(name: string): { readonly claim?: { readonly namespace?: string; readonly name?: string }; readonly node?: string } | undefined;
  /** The node that a volume is to be attached to. */
  nodeOfAttachment?(name: string): string | undefined;
}

/** The node a kubelet speaks for; undefined for everyone else. */
export function nodeOf({ name, groups }: User): string | undefined {
  return name.startsWith(userPrefix) && groups.includes('system:nodes') ? name.slice(userPrefix.length) : undefined;
}

/**
 * A kubelet sees and writes what concerns its own node: the Node, its Lease, the pods bound to it, and the config maps,
 * secrets, claims, volumes and accounts those pods use (after Kubernetes' node authorizer). What it writes there, NodeRestriction judges.
 */
export function nodeAuthorizer(pods: NodePods): Authorizer {
  const rules: Readonly<Record<string, (asked: AuthorizationAttributes, node: string) => boolean>> = {
    'nodes.': (asked, node) => ownNode(asked, node),
    'leases.coordination.k8s.io': ({ namespace, name, verb }, node) =>
      namespace === 'kube-node-lease' && (verb === 'create' || name === node) && verb !== 'deletecollection',
    'pods.': (asked, node) => ownPods(asked, node, pods),
    'configmaps.': (asked, node) => used(asked, pods.onNode(node), configMapsOf),
    'secrets.': (asked, node) => used(asked, pods.onNode(node), secretsOf),
    'persistentvolumeclaims.': (asked, node) => used(asked, pods.onNode(node), podClaims),
    'persistentvolumes.': (asked, node) => ownVolume(asked, node, pods),
    'volumeattachments.storage.k8s.io': ({ verb, name, subresource }, node) => verb === 'get' && subresource === '' && pods.nodeOfAttachment?.(name) === node,
    'csinodes.storage.k8s.io': ({ verb, name, subresource }, node) => subresource === '' && (verb === 'create' ? name === '' || name === node : name === node && ['get', 'update', 'patch', 'delete'].includes(verb)),
    'serviceaccounts.': (asked, node) => usedAccount(asked, pods.onNode(node)),
  };
  return {
    authorize(asked) {
      const node = nodeOf(asked.user);
      const key = `${asked.resource}.${asked.group}`;
      const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
      if (node === undefined) return 'none';
      return rule?.(asked, node) || nodeRules.some((one) => answers(one, asked)) ? 'allow' : 'none';
    },
    // A node's rules depend on its pods.
    rulesFor: (user) => ({ rules: [], paths: [], incomplete: nodeOf(user) !== undefined }),
  };
}

function ownNode({ verb, subresource, name, fields }: AuthorizationAttributes, node: string): boolean {
  if (verb === 'list' || verb === 'watch') return subresource === '' && fields['metadata.name'] === node;
  if (verb === 'create') return subresource === '' && (name === '' || name === node);
  return name === node && ['get', 'update', 'patch'].includes(verb) && ['', 'status'].includes(subresource);
}

function ownPods({ verb, subresource, namespace, name, fields }: AuthorizationAttributes, node: string, pods: NodePods): boolean {
  if (verb === 'list' || verb === 'watch') return subresource === '' && fields['spec.nodeName'] === node;
  if (verb === 'deletecollection') return false;
  // Mirror pods alone: admission sees to that.
  if (verb === 'create' && subresource === '') return true;
  // A pod that is gone is nobody's: the kubelet may learn that it is.
  const pod = pods.pod(namespace, name);
  if (pod && pod.spec?.nodeName !== node) return false;
  if (subresource === 'status') return verb === 'update' || verb === 'patch' || verb === 'get';
  if (subresource === 'eviction') return verb === 'create' && pod !== undefined;
  return subresource === '' && (verb === 'get' || verb === 'delete');
}

/** Those bound to claims of its pods; of local ones, those that lie on it, which it lets go when it has removed their directories. */
function ownVolume({ verb, name, subresource, labels = {} }: AuthorizationAttributes, node: string, pods: NodePods): boolean {
  if (subresource !== '') return false;
  if (verb === 'list' || verb === 'watch') return labels[volumeNodeLabel] === node;
  const { claim, node: liesOn } = pods.volume?.(name) ?? {};
  if (verb === 'patch') return liesOn === node;
  return verb === 'get' && (liesOn === node || (claim?.name !== undefined && pods.onNode(node).some((pod) => pod.metadata?.namespace === claim.namespace && podClaims(pod).includes(claim.name ?? ''))));
}

function used({ verb, namespace, name, fields, subresource }: AuthorizationAttributes, pods: readonly Pod[], names: (pod: Pod) => readonly (string | undefined)[]): boolean {
  if (subresource !== '' || !['get', 'list', 'watch'].includes(verb)) return false;
  const wanted = name || fields['metadata.name'];
  return !!wanted && pods.some((pod) => pod.metadata?.namespace === namespace && names(pod).includes(wanted));
}

/** To read it, and to ask for tokens of it; those are judged by the pod they are for when they are made. */
function usedAccount(asked: AuthorizationAttributes, pods: readonly Pod[]): boolean {
  const name = ({ spec }: Pod): [string | undefined] => [spec?.serviceAccountName];
  return used(asked.subresource === 'token' && asked.verb === 'create' ? { ...asked, subresource: '', verb: 'get' } : asked, pods, name);
}

interface EnvironmentUser {
  readonly env?: readonly EnvVar[] | undefined;
  readonly envFrom?: readonly EnvFromSource[] | undefined;
}

function environmentsOf({ spec = {} }: Pod): readonly EnvironmentUser[] {
  const ephemeral = (spec.ephemeralContainers ?? []).map(({ ephemeralContainerCommon = {} }) => ephemeralContainerCommon);
  return [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...ephemeral];
}

function configMapsOf(pod: Pod): (string | undefined)[] {
  const sources = (pod.spec?.volumes ?? []).map(({ volumeSource = {} }) => volumeSource);
  return [
    ...sources.flatMap(({ configMap, projected }) => [configMap, ...(projected?.sources ?? []).map((source) => source.configMap)]),
    ...environmentsOf(pod).flatMap(({ env = [], envFrom = [] }) => [
      ...envFrom.map(({ configMapRef }) => configMapRef), ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef),
    ]),
  ].map((source) => source?.localObjectReference?.name);
}

function secretsOf(pod: Pod): (string | undefined)[] {
  const sources = (pod.spec?.volumes ?? []).map(({ volumeSource = {} }) => volumeSource);
  const references = [
    ...sources.flatMap(({ projected }) => (projected?.sources ?? []).map(({ secret }) => secret)),
    ...environmentsOf(pod).flatMap(({ env = [], envFrom = [] }) => [
      ...envFrom.map(({ secretRef }) => secretRef), ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef),
    ]),
  ];
  return [
    ...(pod.spec?.imagePullSecrets ?? []).map(({ name }) => name),
    ...sources.map(({ secret }) => secret?.secretName),
    ...references.map((source) => source?.localObjectReference?.name),
  ];
}

/** What of the cluster's a pod refers to, by kind: none for a pod that a node may show of its own. */
export function podReferences(pod: Pod): string[] {
  const { volumes = [], serviceAccountName, resourceClaims = [] } = pod.spec ?? {};
  const projectsToken = volumes.some(({ volumeSource }) => volumeSource?.projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken));
  const uses: readonly (readonly [what: string, used: boolean])[] = [
    ['a service account', serviceAccountName !== undefined || projectsToken],
    ['secrets', secretsOf(pod).some((name) => name !== undefined)],
    ['configmaps', configMapsOf(pod).some((name) => name !== undefined)],
    ['persistentvolumeclaims', podClaims(pod).length > 0],
    ['resourceclaims', resourceClaims.length > 0],
  ];
  return uses.filter(([, used]) => used).map(([what]) => what);
}
