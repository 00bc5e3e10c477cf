import { setEntry } from './codec/plan';
import type { JsonObject, JsonValue } from './resource';

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON merge patch (RFC 7396). Neither argument is changed; the result shares what the patch left alone. */
export function applyMergePatch(target: JsonValue, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key] as JsonValue;
    if (value === null) delete result[key];
    else setEntry(result, key, applyMergePatch((Object.hasOwn(result, key) ? result[key] : undefined) ?? null, value));
  }
  return result;
}
