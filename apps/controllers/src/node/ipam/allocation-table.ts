import type { ConfigMap } from '@navarch/proto/k8s/io/api/core/v1/core';

/** Who has a range. */
export interface Holder {
  readonly node: string;
  readonly uid: string;
}

/**
 * Every pod range that is given away. It lives in ONE ConfigMap, so that its compare-and-set keeps two allocators (a
 * paused leader and the next one) from giving one range to two nodes: no write spans two Node objects.
 */
export interface AllocationTable {
  /** By range, such as 10.244.1.0/24. */
  readonly holders: ReadonlyMap<string, Holder>;
  /** Per cluster range: the slot to try first. */
  readonly next: readonly number[];
}

export const tableNamespace = 'kube-system';
export const tableName = 'node-pod-ranges';
const nextAnnotation = 'navarch.io/next-slots';

export function readTable(configMap: ConfigMap | undefined): AllocationTable {
  const holders = Object.entries(configMap?.data ?? {}).flatMap(([key, value]): [string, Holder][] => {
    const [, node = '', uid = ''] = /^([^/]+)\/(.+)$/.exec(value) ?? [];
    return node === '' ? [] : [[rangeOf(key), { node, uid }]];
  });
  const next = (configMap?.metadata?.annotations?.[nextAnnotation] ?? '').split(',').filter((text) => /^\d+$/.test(text)).map(Number);
  return { holders: new Map(holders), next };
}

/** The ConfigMap to write, on top of the one read (whose version makes the write compare-and-set). */
export function writeTable(configMap: ConfigMap | undefined, table: AllocationTable): ConfigMap {
  const annotations = { ...configMap?.metadata?.annotations, [nextAnnotation]: table.next.join(',') };
  return {
    ...configMap,
    metadata: { ...configMap?.metadata, namespace: tableNamespace, name: tableName, annotations },
    data: Object.fromEntries(Array.from(table.holders, ([range, { node, uid }]) => [keyOf(range), `${node}/${uid}`])),
  };
}

export function sameTable(left: AllocationTable, right: AllocationTable): boolean {
  if (left.holders.size !== right.holders.size) return false;
  return [...left.holders].every(([range, { node, uid }]) => {
    const other = right.holders.get(range);
    return other?.node === node && other.uid === uid;
  });
}

/** ConfigMap keys have neither slash nor colon. */
const keyOf = (range: string): string => range.replace('/', '-').replaceAll(':', '_');
const rangeOf = (key: string): string => key.replaceAll('_', ':').replace(/-(\d+)$/, '/$1');
