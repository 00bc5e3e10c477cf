import type { Time } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { timeFromMs } from '../scalars/time';

/** What conditions of all kinds have in common. */
export interface ConditionLike {
  type?: string | undefined;
  status?: string | undefined;
  lastTransitionTime?: Time | undefined;
}

export function findCondition<C extends ConditionLike>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(conditions: readonly ConditionLike[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/**
 * The list with this condition in it, in place of the one of its type or at the end. The transition time moves only when
 * the status changes. The same list when nothing changes.
 */
export function setCondition<C extends ConditionLike>(conditions: readonly C[] | undefined, condition: C, nowMs: number): C[] {
  const list = (conditions ?? []) as C[];
  const previous = findCondition(list, condition.type ?? '');
  const lastTransitionTime = previous && previous.status === condition.status ? previous.lastTransitionTime : timeFromMs(nowMs);
  const next: C = { ...condition, ...(lastTransitionTime && { lastTransitionTime }) };
  if (!previous) return [...list, next];
  if (sameFields(previous, next)) return list;
  return list.map((one) => (one === previous ? next : one));
}

function sameFields(left: object, right: object): boolean {
  const [a, b] = [left, right].map((value) => JSON.stringify(Object.entries(value).filter(([, item]) => item !== undefined).sort(([x], [y]) => (x < y ? -1 : 1))));
  return a === b;
}
