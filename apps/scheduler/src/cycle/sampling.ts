const minFeasible = 100;
const minPercentage = 5;

/**
 * How many feasible nodes are enough to choose among: all of up to 100; of more, a share that falls from 50 % with the
 * cluster's size (5 % at least, 100 nodes at least), or the configured percentage. Kubernetes' formula.
 */
export function feasibleNodesWanted(nodeCount: number, percentage: number | undefined): number {
  if (nodeCount <= minFeasible) return nodeCount;
  const share = percentage || Math.max(minPercentage, 50 - Math.floor(nodeCount / 125));
  if (share >= 100) return nodeCount;
  return Math.max(minFeasible, Math.floor((nodeCount * share) / 100));
}
