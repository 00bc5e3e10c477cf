import type { PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

/** No vowels and nothing that looks alike, so that no word comes of it. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * The value of `pod-template-hash`: of the template, the number of collisions so far, and what else tells ReplicaSets of
 * one template apart. Two templates may share it; whoever uses it compares the templates.
 */
export function templateHash(template: PodTemplateSpec | undefined, collisions = 0, salt = ''): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${canonical(template ?? {})}${collisions > 0 ? `#${collisions}` : ''}${salt}`)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return Array.from(String(hash), (digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}

/** The same text for the same content, whatever the order of members. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}
