/**
 * DaemonSets: one pod on each node that fits.
 *
 *   daemon-pod.ts             the pod for a node, and which nodes fit
 *   plan-daemon-set.ts        which pods to make and delete next: pure
 *   daemon-set-status.ts      what the set says of itself: pure
 *   failed-pods.ts            how long to wait before a pod that failed is replaced
 *   daemon-set.controller.ts  makes it so
 */
import { daemonSets, findUntoleratedTaint, matchesNodeOf } from '@navarch/api';
import type { DaemonSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Node, NodeSelector, Pod, PodSpec, Toleration } from '@navarch/proto/k8s/io/api/core/v1/core';

import { safeHash } from '../revisions/history';
import { podFromTemplate } from '../workload/pod-from-template';

export const hashLabel = 'controller-revision-hash';
const generationLabel = 'pod-template-generation';
const generationAnnotation = 'deprecated.daemonset.template.generation';

/** What a node may suffer from without losing its daemons. */
function daemonTolerations(hostNetwork: boolean): Toleration[] {
  const exists = (name: string, effect: string): Toleration => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect });
  return [
    exists('not-ready', 'NoExecute'), exists('unreachable', 'NoExecute'),
    ...['disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable', ...(hostNetwork ? ['network-unavailable'] : [])].map((name) => exists(name, 'NoSchedule')),
  ];
}

/** The template's pod spec with the tolerations that every daemon has. */
export function daemonSpec(set: DaemonSet): PodSpec {
  const spec = set.spec?.template?.spec ?? {};
  const given = spec.tolerations ?? [];
  const added = daemonTolerations(spec.hostNetwork ?? false).filter((one) => !given.some(({ key, operator, effect, tolerationSeconds }) => key === one.key && operator === one.operator && effect === one.effect && tolerationSeconds === undefined));
  return { ...spec, tolerations: [...given, ...added] };
}

/** Whether a pod is to be made for the node, and whether one that is there may stay. */
export interface NodeFit {
  readonly wanted: boolean;
  readonly mayStay: boolean;
}

/** As the scheduler judges it, but for room: a node's name, labels and taints. NoSchedule taints keep new pods away, only NoExecute drives old ones off. */
export function fitOf(spec: PodSpec, node: Node): NodeFit {
  const isNamed = !spec.nodeName || spec.nodeName === node.metadata?.name;
  if (!isNamed || !matchesNodeOf(spec, node)) return { wanted: false, mayStay: false };
  const taints = node.spec?.taints;
  const mayStay = !findUntoleratedTaint(taints, spec.tolerations, ['NoExecute']);
  return { wanted: mayStay && !findUntoleratedTaint(taints, spec.tolerations, ['NoSchedule']), mayStay };
}

const nameField = 'metadata.name';

/** In place of what the template requires (the node was chosen by it): this very node. */
const onlyNode = (node: string): NodeSelector => ({ nodeSelectorTerms: [{ matchFields: [{ key: nameField, operator: 'In', values: [node] }] }] });

/** The node that the pod is on or is meant for. */
export function nodeOf({ spec }: Pod): string | undefined {
  if (spec?.nodeName) return spec.nodeName;
  for (const { matchFields = [] } of spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []) {
    const field = matchFields.find(({ key, operator, values }) => key === nameField && operator === 'In' && values?.length === 1);
    if (field) return field.values?.[0];
  }
  return undefined;
}

const longestBase = 242;

/**
 * The set's pod for a node. Its name follows from set, node and revision, so that two who make it at once make one; `isTaken` tells of names that
 * cannot be had, such as that of a pod that is on its way out.
 */
export function podFor(set: DaemonSet, spec: PodSpec, node: string, hash: string, isTaken: (name: string) => boolean): Pod {
  const generation = set.metadata?.annotations?.[generationAnnotation];
  return podFromTemplate({ ...set.spec?.template, spec }, { resource: daemonSets, object: set }, {
    name: freeName(set, node, hash, isTaken), generateName: `${set.metadata?.name ?? ''}-`,
    labels: { [hashLabel]: hash, ...(generation !== undefined && { [generationLabel]: generation }) },
    spec: { affinity: { ...spec.affinity, nodeAffinity: { ...spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: onlyNode(node) } } },
  });
}

function freeName({ metadata }: DaemonSet, node: string, hash: string, isTaken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${(metadata?.name ?? '').slice(0, longestBase)}-${safeHash(metadata?.uid ?? '', node, hash, attempt)}`;
    if (!isTaken(name)) return name;
  }
}
