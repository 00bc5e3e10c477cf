/** How a node scores by the share of one resource that is used once the pod is there; all answers are 0 … 100, rounded down. */
export type ResourceScorer = (requested: number, allocatable: number) => number;

/** The emptier the better. */
export const leastAllocated: ResourceScorer = (requested, allocatable) =>
  (requested > allocatable ? 0 : Math.floor(((allocatable - requested) * 100) / allocatable));

/** The fuller the better; what is overfull counts as full. */
export const mostAllocated: ResourceScorer = (requested, allocatable) =>
  Math.floor((Math.min(requested, allocatable) * 100) / allocatable);

/** A point of the curve: utilization 0 … 100 in percent, score 0 … 10. */
export interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

/** A broken line through the points, flat outside of them; utilization ascends. */
export function requestedToCapacityRatio(shape: readonly ShapePoint[]): ResourceScorer {
  const points = shape.map(({ utilization, score }) => ({ utilization, score: score * 10 }));
  return (requested, allocatable) => interpolate(points, requested > allocatable ? 100 : Math.floor((requested * 100) / allocatable));
}

function interpolate(points: readonly ShapePoint[], utilization: number): number {
  const after = points.findIndex((point) => utilization <= point.utilization);
  const [low, high] = [points[after - 1], points[after]];
  if (!high) return points.at(-1)?.score ?? 0;
  if (!low) return high.score;
  return low.score + Math.trunc(((high.score - low.score) * (utilization - low.utilization)) / (high.utilization - low.utilization));
}
