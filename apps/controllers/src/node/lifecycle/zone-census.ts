import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import { readinessOf } from './plan-conditions';

/** Kubernetes' zone states: how much of a zone is down decides how fast its nodes are given up. */
export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption';

export interface ZoneCount {
  readonly ready: number;
  readonly notReady: number;
}

const unhealthyShare = 0.55;

export function zoneState({ ready, notReady }: ZoneCount): ZoneState {
  if (ready === 0 && notReady > 0) return 'FullDisruption';
  if (notReady > 2 && notReady / (ready + notReady) >= unhealthyShare) return 'PartialDisruption';
  return 'Normal';
}

export interface EvictionRates {
  readonly nodeEvictionRate: number;
  readonly secondaryNodeEvictionRate: number;
  readonly largeClusterThreshold: number;
}

/** Nodes per second that may be given up in a zone. */
export function evictionRate(count: ZoneCount, rates: EvictionRates): number {
  if (zoneState(count) !== 'PartialDisruption') return rates.nodeEvictionRate;
  return count.ready + count.notReady > rates.largeClusterThreshold ? rates.secondaryNodeEvictionRate : 0;
}

/** Region and zone, as Kubernetes tells zones apart. */
export function zoneOf({ metadata }: Node): string {
  const labels = metadata?.labels ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}:\0:${labels['topology.kubernetes.io/zone'] ?? ''}`;
}

/** Counts ready and other nodes per zone, kept up event by event. */
export class ZoneCensus {
  private readonly nodes = new Map<string, { readonly zone: string; readonly ready: boolean }>();
  private readonly zones = new Map<string, { ready: number; notReady: number }>();

  set(node: Node): void {
    const name = node.metadata?.name ?? '';
    this.remove(name);
    const entry = { zone: zoneOf(node), ready: readinessOf(node) === 'True' };
    this.nodes.set(name, entry);
    const count = this.zones.get(entry.zone) ?? { ready: 0, notReady: 0 };
    count[entry.ready ? 'ready' : 'notReady']++;
    this.zones.set(entry.zone, count);
  }

  remove(name: string): void {
    const entry = this.nodes.get(name);
    if (!entry) return;
    this.nodes.delete(name);
    const count = this.zones.get(entry.zone);
    if (!count) return;
    count[entry.ready ? 'ready' : 'notReady']--;
    if (count.ready + count.notReady === 0) this.zones.delete(entry.zone);
  }

  count(zone: string): ZoneCount {
    return this.zones.get(zone) ?? { ready: 0, notReady: 0 };
  }

  /** No node of any zone is ready. */
  get allDown(): boolean {
    return this.zones.size > 0 && [...this.zones.values()].every((count) => zoneState(count) === 'FullDisruption');
  }
}
