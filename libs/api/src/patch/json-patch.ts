import { ApiError } from '@navarch/base';
import { applyPatch } from 'rfc6902';

import type { JsonObject, JsonValue } from '../resource';

/** More operations than any client needs (Kubernetes' own limit). */
const maxOperations = 10_000;
const operations = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

/**
 * Applies a JSON patch (RFC 6902) and answers the result; neither argument is changed. Throws BadRequest where the patch is
 * not one, Invalid where it cannot be applied to this object (a missing path, a failed test).
 */
export function applyJsonPatch(original: JsonObject, patch: JsonValue): JsonValue {
  const steps = readOperations(patch);
  const result: { object: JsonValue } = { object: JSON.parse(JSON.stringify(original)) as JsonValue };
  // Below a parent, so that an operation on the whole document ("") works too.
  const failures = applyPatch(result, steps.map((step) => ({ ...step, path: `/object${step.path}`, ...(step.from !== undefined && { from: `/object${step.from}` }) })) as never);
  const at = failures.findIndex((failure) => failure !== null);
  if (at >= 0) {
    const { op, path } = steps[at] as Operation;
    throw new ApiError('Invalid', `the server rejected our request due to an error in our request: JSON patch operation ${at} (${op} ${JSON.stringify(path)}) ${op === 'test' ? 'failed its test' : 'does not fit the object'}`, {
      causes: [{ reason: 'FieldValueInvalid', field: path, message: failures[at]?.message ?? 'not applicable' }],
    });
  }
  return result.object;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: JsonValue;
}

function readOperations(patch: JsonValue): Operation[] {
  if (!Array.isArray(patch)) throw new ApiError('BadRequest', 'a JSON patch must be a list of operations');
  if (patch.length > maxOperations) throw new ApiError('RequestEntityTooLarge', `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`);
  return patch.map((step, index): Operation => {
    const bad = (why: string): ApiError => new ApiError('BadRequest', `JSON patch operation ${index}: ${why}`);
    if (typeof step !== 'object' || step === null || Array.isArray(step)) throw bad('must be an object');
    const { op, path, from, value } = step;
    if (typeof op !== 'string' || !operations.has(op)) throw bad(`unknown op ${JSON.stringify(op ?? null)}; it may be ${[...operations].join(', ')}`);
    checkPointer(path, () => bad('path must be a JSON pointer'));
    if (op === 'move' || op === 'copy') checkPointer(from, () => bad('from must be a JSON pointer'));
    if ((op === 'add' || op === 'replace' || op === 'test') && value === undefined) throw bad(`${op} needs a value`);
    if (op === 'move' && path !== from && `${String(path)}/`.startsWith(`${String(from)}/`)) throw bad('cannot move a value into itself');
    return { op, path: path as string, ...(from !== undefined && { from: from as string }), ...(value !== undefined && { value }) };
  });
}

/** A JSON pointer (RFC 6901) that stays on the object's own members. */
function checkPointer(pointer: JsonValue | undefined, error: () => ApiError): void {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/')) || /~(?![01])/.test(pointer)) throw error();
  if (pointer.split('/').some((token) => ['__proto__', 'constructor', 'prototype'].includes(token))) throw error();
}
