import { podClaims } from '@navarch/api';
import type { EnvFromSource, EnvVar, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { User } from '../request';
import type { AuthorizationAttributes, Authorizer } from './authorizer';

const userPrefix = 'system:node:';

/** What the node rule needs to know of pods. Answers may be a moment old, like every authorization. */
export interface NodePods {
  pod(namespace: string, name: string): Pod | undefined;
  onNode(node: string): readonly Pod[];
  /** The node that a local volume lies on, if it is one. */
  nodeOfVolume?(name: string): string | undefined;
}

/** The node a kubelet speaks for; undefined for everyone else. */
export function nodeOf({ name, groups }: User): string | undefined {
  return name.startsWith(userPrefix) && groups.includes('system:nodes') ? name.slice(userPrefix.length) : undefined;
}

/**
 * A kubelet sees and writes what concerns its own node: the Node, its Lease, the pods bound to it, and the config maps,
 * secrets and accounts those pods use (after Kubernetes' node authorizer and NodeRestriction).
 */
export function nodeAuthorizer(pods: NodePods): Authorizer {
  const rules: Readonly<Record<string, (asked: AuthorizationAttributes, node: string) => boolean>> = {
    'nodes.': (asked, node) => ownNode(asked, node),
    'leases.coordination.k8s.io': ({ namespace, name, verb }, node) =>
      namespace === 'kube-node-lease' && (verb === 'create' || name === node) && verb !== 'deletecollection',
    'pods.': (asked, node) => ownPods(asked, node, pods),
    'events.': ({ verb }) => ['create', 'update', 'patch'].includes(verb),
    'configmaps.': (asked, node) => used(asked, pods.onNode(node), configMapsOf),
    'secrets.': (asked, node) => used(asked, pods.onNode(node), secretsOf),
    'persistentvolumeclaims.': (asked, node) => used(asked, pods.onNode(node), podClaims),
    // Lets those of its own go whose directories it has removed.
    'persistentvolumes.': ({ verb, name, subresource }, node) => subresource === '' && (['get', 'list', 'watch'].includes(verb) || (verb === 'patch' && pods.nodeOfVolume?.(name) === node)),
    'serviceaccounts.': (asked, node) => usedAccount(asked, pods.onNode(node)),
    'services.': ({ verb }) => ['get', 'list', 'watch'].includes(verb),
    'runtimeclasses.node.k8s.io': ({ verb }) => ['get', 'list', 'watch'].includes(verb),
  };
  return {
    authorize(asked) {
      const node = nodeOf(asked.user);
      const key = `${asked.resource}.${asked.group}`;
      const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
      return node && rule?.(asked, node) ? 'allow' : 'none';
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
  if (verb === 'create' || verb === 'deletecollection') return false;
  // A pod that is gone is nobody's: the kubelet may learn that it is.
  const pod = pods.pod(namespace, name);
  if (pod && pod.spec?.nodeName !== node) return false;
  if (subresource === 'status') return verb === 'update' || verb === 'patch' || verb === 'get';
  return subresource === '' && (verb === 'get' || verb === 'delete');
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
