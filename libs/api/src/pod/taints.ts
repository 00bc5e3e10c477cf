import type { Taint, Toleration } from '@navarch/proto/k8s/io/api/core/v1/core';

import { compareQuantity, quantity } from '../scalars/quantity';

export type TaintEffect = 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';

/** Whether a toleration accepts a taint: empty effect and (with Exists) empty key accept all. Lt and Gt compare integers (KEP-5471). */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? 'Equal') {
    case '': case 'Equal': return (toleration.value ?? '') === (taint.value ?? '');
    case 'Exists': return true;
    case 'Lt': return comparesAs(taint.value, toleration.value, -1);
    case 'Gt': return comparesAs(taint.value, toleration.value, 1);
    default: return false;
  }
}

function comparesAs(taint: string | undefined, toleration: string | undefined, sign: number): boolean {
  const integer = /^-?(0|[1-9]\d{0,17})$/;
  return integer.test(taint ?? '') && integer.test(toleration ?? '') && compareQuantity(quantity(taint ?? '0'), quantity(toleration ?? '0')) === sign;
}

/** The first taint with one of these effects that no toleration accepts. */
export function findUntoleratedTaint(taints: readonly Taint[] | undefined, tolerations: readonly Toleration[] | undefined, effects: readonly TaintEffect[]): Taint | undefined {
  return taints?.find((taint) => effects.some((effect) => effect === taint.effect) && !(tolerations ?? []).some((toleration) => tolerates(toleration, taint)));
}

const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';

/**
 * The tolerations that admission adds to every pod that says nothing of its own about these taints: it may stay on a
 * failed node for so long. The same list when nothing is missing.
 */
export function withDefaultTolerations(tolerations: readonly Toleration[] | undefined, seconds = 300): readonly Toleration[] {
  const given = tolerations ?? [];
  const missing = [notReady, unreachable].filter((key) => !given.some((one) => (one.key === key || !one.key) && (one.effect === 'NoExecute' || !one.effect)));
  return [...given, ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }))];
}
