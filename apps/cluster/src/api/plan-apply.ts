/**
 * What `apply` sends: the difference between what the manifest says and what is there. Fields that an earlier apply set and
 * this manifest no longer has are removed; fields that others set stay (Kubernetes' three-way merge, as a JSON merge patch,
 * RFC 7386). Lists are replaced whole, but only where the object's list does not already say all that the manifest's says.
 */
import type { JsonObject, JsonValue } from '@navarch/api';

export const lastAppliedAnnotation = 'navarch.io/last-applied-configuration';

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The manifest with itself as annotation, so that the next apply knows what this one set. */
export function withLastApplied(manifest: JsonObject): JsonObject {
  const metadata = isObject(manifest.metadata) ? manifest.metadata : {};
  const annotations = isObject(metadata.annotations) ? metadata.annotations : {};
  const plain = { ...annotations };
  delete plain[lastAppliedAnnotation];
  return { ...manifest, metadata: { ...metadata, annotations: { ...plain, [lastAppliedAnnotation]: JSON.stringify(manifest) } } };
}

/** What the last apply of this object said; undefined where it was made in another way, or its annotation is damaged. */
export function lastAppliedOf(live: JsonObject): JsonObject | undefined {
  const metadata = isObject(live.metadata) ? live.metadata : {};
  const annotations = isObject(metadata.annotations) ? metadata.annotations : {};
  const text = annotations[lastAppliedAnnotation];
  if (typeof text !== 'string') return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The patch that makes `live` say what `manifest` says; undefined where it does already. */
export function planApply(manifest: JsonObject, live: JsonObject): JsonObject | undefined {
  const changes = difference(manifest, live, lastAppliedOf(live) ?? {});
  if (Object.keys(changes).length === 0) return undefined;
  const annotations = { [lastAppliedAnnotation]: JSON.stringify(manifest) };
  const metadata = isObject(changes.metadata) ? changes.metadata : {};
  return { ...changes, metadata: { ...metadata, annotations: { ...(isObject(metadata.annotations) ? metadata.annotations : {}), ...annotations } } };
}

function difference(wanted: JsonObject, live: JsonObject, last: JsonObject): JsonObject {
  const patch: JsonObject = {};
  for (const key of Object.keys(last)) {
    if (!(key in wanted) && key in live) patch[key] = null;
  }
  for (const [key, value] of Object.entries(wanted)) {
    const present = live[key];
    if (covers(present, value) && !removesBelow(value, present, last[key])) continue;
    const before = last[key];
    patch[key] = isObject(value) && isObject(present) ? difference(value, present, isObject(before) ? before : {}) : value;
  }
  return patch;
}

/** Whether everything that `wanted` says is so in `present`, which may say more. */
function covers(present: JsonValue | undefined, wanted: JsonValue): boolean {
  if (isObject(wanted)) return isObject(present) && Object.entries(wanted).every(([key, value]) => covers(present[key], value));
  if (Array.isArray(wanted)) return Array.isArray(present) && present.length === wanted.length && wanted.every((item, index) => covers(present[index], item));
  return present === wanted;
}

/** Whether the last apply set something, at or below here, that is not wanted any more. */
function removesBelow(wanted: JsonValue, present: JsonValue | undefined, last: JsonValue | undefined): boolean {
  if (isObject(last) && isObject(wanted) && isObject(present)) {
    return Object.keys(last).some((key) => (key in wanted ? removesBelow(wanted[key] ?? null, present[key], last[key]) : key in present));
  }
  if (Array.isArray(last) && Array.isArray(wanted) && Array.isArray(present)) {
    return last.length === wanted.length && last.some((item, index) => removesBelow(wanted[index] ?? null, present[index], item));
  }
  return false;
}
