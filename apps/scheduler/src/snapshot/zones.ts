import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

/** The rows that hold nodes, one of each zone in turn; within a zone by row. */
export function interleaveZones(nodes: readonly (Node | undefined)[]): Int32Array {
  const zones = new Map<string, number[]>();
  let count = 0;
  nodes.forEach((node, row) => {
    if (!node) return;
    const zone = zoneOf(node);
    const rows = zones.get(zone);
    if (rows) rows.push(row);
    else zones.set(zone, [row]);
    count++;
  });
  const order = new Int32Array(count);
  const lists = [...zones.values()];
  for (let filled = 0, turn = 0; filled < count; turn++) {
    for (const rows of lists) {
      const row = rows[turn];
      if (row !== undefined) order[filled++] = row;
    }
  }
  return order;
}

function zoneOf(node: Node): string {
  const labels = node.metadata?.labels;
  return `${labels?.['topology.kubernetes.io/region'] ?? ''}/${labels?.['topology.kubernetes.io/zone'] ?? ''}`;
}
