import type { Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** `key=value:effect` or `key:effect`, as kubelet's --register-with-taints has it. Throws an Error that says what is wrong. */
export function parseTaints(items: readonly string[] = []): Taint[] {
  return items.map((item) => {
    const [, key, value, effect = ''] = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(item) ?? [];
    if (key === undefined || !effects.includes(effect)) throw new Error(`--register-with-taints: "${item}" is not key=value:effect with one of ${effects.join(', ')}`);
    return { key, ...(value && { value }), effect };
  });
}
