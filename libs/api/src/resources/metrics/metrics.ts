import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';
import type { NodeMetrics, PodMetrics } from '@navarch/proto/k8s/io/metrics/pkg/apis/metrics/v1beta1/metrics';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { Column, Resource } from '../../resource';
import { durationToText } from '../../scalars/duration';
import { addQuantity, quantity } from '../../scalars/quantity';
import { nameColumn } from '../columns';

type Measured = NodeMetrics & PodMetrics;

function used({ usage, containers = [] }: Measured, resource: string): string {
  const amounts = usage ? [usage[resource]] : containers.map((container) => container.usage?.[resource]);
  return amounts.reduce((sum: Quantity, amount) => (amount ? addQuantity(sum, amount) : sum), quantity('0')).string ?? '0';
}

const columns: readonly Column<Measured>[] = [
  nameColumn,
  { name: 'CPU', type: 'string', description: 'Processors used in the window.', value: (object) => used(object, 'cpu') },
  { name: 'Memory', type: 'string', description: 'Memory used, at the end of the window.', value: (object) => used(object, 'memory') },
  { name: 'Window', type: 'string', description: 'The time that was measured.', value: ({ window }) => durationToText(window?.duration ?? 0) },
];

const common = { group: 'metrics.k8s.io', version: 'v1beta1', singular: '', verbs: ['get', 'list'], validateCreate: () => [], validateUpdate: () => [], columns } as const;
const codecOf = <T extends object>(kind: string) => codecFor<T>(`k8s.io.metrics.pkg.apis.metrics.v1beta1.${kind}`);

/** What nodes use. */
export const nodeMetrics = defineResource<NodeMetrics>({ ...common, kind: 'NodeMetrics', plural: 'nodes', namespaced: false, codec: codecOf<NodeMetrics>('NodeMetrics') });

/** What the containers of pods use. */
export const podMetrics = defineResource<PodMetrics>({ ...common, kind: 'PodMetrics', plural: 'pods', namespaced: true, codec: codecOf<PodMetrics>('PodMetrics') });

/** Figures that are asked of the nodes when somebody asks for them: never stored, so that no registry has them. */
export const metricResources = [nodeMetrics, podMetrics] as unknown as readonly Resource[];
