/** Why a pod found no node: which nodes were refused for which reasons. Shared by like pods as long as no node changes. */
export interface Diagnosis {
  /** Kubernetes' words: `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.` */
  readonly message: string;
  /** The plugins whose events may change it. */
  readonly rejectedBy: ReadonlySet<string>;
  readonly pending: boolean;
  readonly nodeCount: number;
  /** Nodes by reason; a node can have several. */
  readonly nodesByReason: ReadonlyMap<string, readonly string[]>;
}

/** All reasons with how many nodes have each, sorted as Kubernetes sorts them: as text, count first. */
export function unavailableMessage(nodeCount: number, nodesByReason: ReadonlyMap<string, readonly string[]>): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods';
  const parts = [...nodesByReason].map(([reason, nodes]) => `${nodes.length} ${reason}`).sort();
  return `0/${nodeCount} nodes are available: ${parts.join(', ')}.`;
}

/** A pod that was refused before any node was looked at. */
export function refusedOutright(nodeCount: number, plugin: string, reasons: readonly string[], pending: boolean): Diagnosis {
  const message = nodeCount === 0 ? unavailableMessage(0, new Map()) : `0/${nodeCount} nodes are available: ${reasons.join(', ')}.`;
  return { message, rejectedBy: new Set([plugin]), pending, nodeCount, nodesByReason: new Map() };
}
