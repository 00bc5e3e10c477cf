import type { Taint, Toleration } from '@navarch/proto/k8s/io/api/core/v1/core';

/** Whether a toleration answers a taint: empty effect and (with Exists) empty key match any; the operator is Equal unless told. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  if (toleration.operator && toleration.operator !== 'Equal') return false;
  return !!toleration.key && (toleration.value ?? '') === (taint.value ?? '');
}

/** The first of the taints with one of these effects that nothing tolerates. */
export function untoleratedTaint(taints: readonly Taint[], tolerations: readonly Toleration[], effects: readonly string[]): Taint | undefined {
  return taints.find((taint) => effects.includes(taint.effect ?? '') && !tolerations.some((toleration) => tolerates(toleration, taint)));
}
