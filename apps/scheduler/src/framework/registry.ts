import type { NodeAffinity as Affinity } from '@navarch/proto/k8s/io/api/core/v1/core';

import { NodeResourcesBalancedAllocation } from '../plugins/balanced-allocation';
import { DefaultBinder } from '../plugins/default-binder';
import { NodeAffinity } from '../plugins/node-affinity';
import { NodeName } from '../plugins/node-name';
import { NodePorts } from '../plugins/node-ports';
import { NodeResourcesFit } from '../plugins/node-resources-fit';
import { NodeUnschedulable } from '../plugins/node-unschedulable';
import { PrioritySort } from '../plugins/priority-sort';
import { SchedulingGates } from '../plugins/scheduling-gates';
import { TaintToleration } from '../plugins/taint-toleration';
import { VolumeBinding } from '../plugins/volume-binding';
import { fitOptions, weightedResources } from './plugin-args';
import type { PluginFactory } from './plugin';

/** The plugins that come with Navarch, by Kubernetes' names. */
export const inTreePlugins: Readonly<Record<string, PluginFactory>> = {
  SchedulingGates: () => new SchedulingGates(),
  PrioritySort: () => new PrioritySort(),
  NodeUnschedulable: () => new NodeUnschedulable(),
  NodeName: () => new NodeName(),
  TaintToleration: () => new TaintToleration(),
  NodeAffinity: (args, { nodes }) => new NodeAffinity((args as { addedAffinity?: Affinity } | undefined)?.addedAffinity, nodes),
  NodePorts: () => new NodePorts(),
  NodeResourcesFit: (args, { nodes }) => new NodeResourcesFit(fitOptions(args), nodes),
  NodeResourcesBalancedAllocation: (args, { nodes }) => new NodeResourcesBalancedAllocation(weightedResources(args), nodes),
  VolumeBinding: (_args, { volumes, client }) => new VolumeBinding(volumes, client),
  DefaultBinder: (_args, { client }) => new DefaultBinder(client),
};

/** What a profile runs unless told otherwise, in order, with Kubernetes' weights. */
export const defaultPlugins: readonly { readonly name: string; readonly weight?: number }[] = [
  { name: 'SchedulingGates' }, { name: 'PrioritySort' }, { name: 'NodeUnschedulable' }, { name: 'NodeName' },
  { name: 'TaintToleration', weight: 3 }, { name: 'NodeAffinity', weight: 2 }, { name: 'NodePorts' }, { name: 'NodeResourcesFit', weight: 1 },
  { name: 'NodeResourcesBalancedAllocation', weight: 1 }, { name: 'VolumeBinding' }, { name: 'DefaultBinder' },
];
