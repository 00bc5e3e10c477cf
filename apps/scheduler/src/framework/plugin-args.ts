import type { FitOptions, WeightedResource } from '../plugins/node-resources-fit';
import { leastAllocated, mostAllocated, requestedToCapacityRatio, type ResourceScorer, type ShapePoint } from '../plugins/resource-strategies';

/** NodeResourcesFitArgs of kubescheduler.config.k8s.io/v1. */
interface FitArgs {
  readonly ignoredResources?: readonly string[];
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy?: {
    readonly type?: string;
    readonly resources?: readonly { readonly name?: string; readonly weight?: number }[];
    readonly requestedToCapacityRatio?: { readonly shape?: readonly ShapePoint[] };
  };
}

const defaultResources: readonly WeightedResource[] = [{ name: 'cpu', weight: 1 }, { name: 'memory', weight: 1 }];

/** Reads `resources` of an args object; cpu and memory, weight 1, where it has none. */
export function weightedResources(args: unknown): readonly WeightedResource[] {
  const resources = (args as { resources?: readonly { name?: string; weight?: number }[] } | undefined)?.resources;
  if (!resources?.length) return defaultResources;
  return resources.map(({ name, weight = 1 }, i) => {
    if (!name) throw new Error(`resources[${i}].name: Required value`);
    if (!Number.isInteger(weight) || weight < 1 || weight > 100) throw new Error(`resources[${i}].weight: Invalid value: ${weight}: must be 1 … 100`);
    return { name, weight };
  });
}

export function fitOptions(args: unknown): FitOptions {
  const { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy } = (args ?? {}) as FitArgs;
  return {
    scorer: scorerOf(scoringStrategy), resources: weightedResources(scoringStrategy),
    ignoredResources: new Set(ignoredResources), ignoredGroups: new Set(ignoredResourceGroups),
  };
}

function scorerOf(strategy: FitArgs['scoringStrategy']): ResourceScorer {
  switch (strategy?.type ?? 'LeastAllocated') {
    case 'LeastAllocated': return leastAllocated;
    case 'MostAllocated': return mostAllocated;
    case 'RequestedToCapacityRatio': return requestedToCapacityRatio(checkShape(strategy?.requestedToCapacityRatio?.shape));
    default: throw new Error(`scoringStrategy.type: Unsupported value: "${strategy?.type}": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`);
  }
}

function checkShape(shape: readonly ShapePoint[] | undefined): readonly ShapePoint[] {
  const path = 'scoringStrategy.requestedToCapacityRatio.shape';
  if (!shape?.length) throw new Error(`${path}: Required value: at least one point must be specified`);
  shape.forEach(({ utilization, score }, i) => {
    if (!(utilization >= 0 && utilization <= 100)) throw new Error(`${path}[${i}].utilization: Invalid value: ${utilization}: must be 0 … 100`);
    if (!(score >= 0 && score <= 10)) throw new Error(`${path}[${i}].score: Invalid value: ${score}: must be 0 … 10`);
    const before = shape[i - 1];
    if (before && before.utilization >= utilization) throw new Error(`${path}[${i}].utilization: Invalid value: ${utilization}: utilization values must be sorted in increasing order`);
  });
  return shape;
}
