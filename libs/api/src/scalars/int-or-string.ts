import type { IntOrString } from '@navarch/proto/k8s/io/apimachinery/pkg/util/intstr/intstr';

/** In the form that decoding gives: type 0 with intVal, or type 1 with strVal. */
export function intOrString(value: number | string): IntOrString {
  return typeof value === 'string' ? { type: 1, strVal: value } : { type: 0, intVal: value };
}

/** The number or the text inside. */
export function intOrStringValue(value: IntOrString | undefined): number | string {
  return value?.type === 1 ? (value.strVal ?? '') : (value?.intVal ?? 0);
}

/**
 * A number as it is, or a percentage (`25%`) of the total, rounded up or down. Throws for text that is no percentage:
 * validation keeps it out.
 */
export function intOrPercent(value: IntOrString, total: number, roundUp: boolean): number {
  const plain = intOrStringValue(value);
  if (typeof plain === 'number') return plain;
  const percent = /^([+-]?\d+)%$/.exec(plain)?.[1];
  if (percent === undefined) throw new Error(`invalid value for IntOrString: ${JSON.stringify(plain)} is not a percentage`);
  const share = (Number(percent) * total) / 100;
  return roundUp ? Math.ceil(share) : Math.floor(share);
}
