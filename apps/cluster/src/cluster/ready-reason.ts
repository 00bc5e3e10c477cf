import type { JsonObject, JsonValue } from '@navarch/api';

/** Undefined where the node is Ready. */
export function notReadyReason(node: JsonObject): string | undefined {
  const status = (node.status ?? {}) as { conditions?: { type: string; status: string; message?: JsonValue }[] };
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? undefined : String(ready?.message ?? 'no Ready condition yet');
}
