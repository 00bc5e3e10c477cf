import { ApiError } from '@navarch/base';

import type { JsonObject, JsonValue } from '../resource';
import { equalJson, isJsonObject } from './typed-value';

/** More operations than any client needs (Kubernetes' own limit). */
const maxOperations = 10_000;
/** What all copies of a patch may add together, in characters of JSON: each could double the object. Kubernetes' own limit. */
const maxCopied = 3 * 1024 * 1024;
const operations = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

/**
 * Applies a JSON patch (RFC 6902) and answers the result; neither argument is changed. Throws BadRequest where the patch is
 * not one, Invalid where it cannot be applied to this object (a missing path, a failed test), RequestEntityTooLarge where it would grow
 * the object beyond reason. No error quotes a value: the object may hold secrets that the caller may not read.
 */
export function applyJsonPatch(original: JsonObject, patch: JsonValue): JsonValue {
  const document = new PatchedDocument(clone(original));
  for (const [index, step] of readOperations(patch).entries()) {
    if (document.apply(step)) continue;
    const { op, path } = step;
    const why = op === 'test' ? 'failed its test' : 'does not fit the object';
    throw new ApiError('Invalid', `the server rejected our request due to an error in our request: JSON patch operation ${index} (${op} ${JSON.stringify(path)}) ${why}`, {
      causes: [{ reason: 'FieldValueInvalid', field: path, message: why }],
    });
  }
  return document.value;
}

function clone<T extends JsonValue>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Below a parent, so that an operation on the whole document ("") is like any other. Only members of the values themselves count. */
class PatchedDocument {
  private readonly root: { document: JsonValue };
  private copied = 0;

  constructor(document: JsonValue) {
    this.root = { document };
  }

  get value(): JsonValue {
    return this.root.document;
  }

  /** False where the step does not fit. */
  apply({ op, path, from, value }: Operation): boolean {
    switch (op) {
      case 'add': return this.add(path, clone(value as JsonValue));
      case 'replace': return this.replace(path, clone(value as JsonValue));
      case 'remove': return this.take(path) !== undefined;
      case 'test': return this.test(path, value as JsonValue);
      case 'copy': return this.copy(from ?? '', path);
      default: return this.move(from ?? '', path);
    }
  }

  private test(path: string, value: JsonValue): boolean {
    const present = this.get(path);
    return present !== undefined && equalJson(present, value);
  }

  private copy(from: string, path: string): boolean {
    const present = this.get(from);
    if (present === undefined) return false;
    const text = JSON.stringify(present);
    this.copied += text.length;
    if (this.copied > maxCopied) throw new ApiError('RequestEntityTooLarge', `Unable to complete the copy operations of the JSON patch, their accumulated size is above the limit ${maxCopied}`);
    return this.add(path, JSON.parse(text) as JsonValue);
  }

  private move(from: string, path: string): boolean {
    if (from === path) return this.get(from) !== undefined;
    const moved = this.take(from);
    return moved !== undefined && this.add(path, moved);
  }

  /** The value that holds the pointer's last token, and that token. */
  private parentOf(pointer: string): { parent: JsonValue; token: string } | undefined {
    const tokens = ['document', ...pointer.split('/').slice(1).map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))];
    const token = tokens.pop() as string;
    let parent: JsonValue = this.root;
    for (const step of tokens) {
      const next = member(parent, step);
      if (next === undefined) return undefined;
      parent = next;
    }
    return { parent, token };
  }

  private get(pointer: string): JsonValue | undefined {
    const place = this.parentOf(pointer);
    return place && member(place.parent, place.token);
  }

  private add(pointer: string, value: JsonValue): boolean {
    const { parent, token } = this.parentOf(pointer) ?? {};
    if (token === undefined) return false;
    if (Array.isArray(parent)) {
      const index = token === '-' ? parent.length : indexOf(token);
      if (index === undefined || index > parent.length) return false;
      parent.splice(index, 0, value);
      return true;
    }
    return isJsonObject(parent) && put(parent, token, value);
  }

  private replace(pointer: string, value: JsonValue): boolean {
    const { parent, token = '' } = this.parentOf(pointer) ?? {};
    if (parent === undefined || member(parent, token) === undefined) return false;
    if (Array.isArray(parent)) parent[Number(token)] = value;
    else put(parent as JsonObject, token, value);
    return true;
  }

  /** Removes it, and answers what it was. */
  private take(pointer: string): JsonValue | undefined {
    const { parent, token = '' } = this.parentOf(pointer) ?? {};
    const present = parent === undefined || pointer === '' ? undefined : member(parent, token);
    if (present === undefined) return undefined;
    if (Array.isArray(parent)) parent.splice(Number(token), 1);
    else delete (parent as JsonObject)[token];
    return present;
  }
}

function member(value: JsonValue, token: string): JsonValue | undefined {
  if (Array.isArray(value)) {
    const index = indexOf(token);
    return index === undefined ? undefined : value[index];
  }
  return isJsonObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
}

function indexOf(token: string): number | undefined {
  return /^(0|[1-9]\d{0,8})$/.test(token) ? Number(token) : undefined;
}

/** Sets without going through a setter such as __proto__'s. */
function put(object: JsonObject, key: string, value: JsonValue): true {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  return true;
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

/** A JSON pointer (RFC 6901). */
function checkPointer(pointer: JsonValue | undefined, error: () => ApiError): void {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/')) || /~(?![01])/.test(pointer)) throw error();
}
