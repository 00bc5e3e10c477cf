import { timeToMs } from '@navarch/api';
import type { Node, Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

/** When NoExecute taints came: as they say themselves, or, for those set by hand, when we first saw them. */
export class TaintTimes {
  private readonly seen = new Map<string, Map<string, number>>();

  see(node: Node, nowMs: number): void {
    const known = this.seen.get(node.metadata?.uid ?? '');
    const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
    if (taints.length === 0) this.forget(node);
    else this.seen.set(node.metadata?.uid ?? '', new Map(taints.map((taint) => [idOf(taint), known?.get(idOf(taint)) ?? nowMs])));
  }

  forget(node: Node): void {
    this.seen.delete(node.metadata?.uid ?? '');
  }

  addedMs(node: Node, taint: Taint, nowMs: number): number {
    if (taint.timeAdded) return timeToMs(taint.timeAdded);
    return this.seen.get(node.metadata?.uid ?? '')?.get(idOf(taint)) ?? nowMs;
  }
}

const idOf = ({ key = '', value = '' }: Taint): string => `${key}=${value}`;
