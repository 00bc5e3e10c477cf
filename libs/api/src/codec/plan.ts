import type { JsonValue } from '../resource';
import type { ReadContext } from './read-context';

/** A decoded message as the codec sees it. */
export type Fields = { [field: string]: unknown };

/** How one message type is normalized, printed and read: compiled once from its schema. */
export interface MessagePlan {
  readonly name: string;
  readonly shortName: string;
  /** The message without what means nothing: the same object when there was nothing to leave out, else a copy. */
  normalize(message: Fields, depth: number): Fields;
  /** Of a normal message: as good as absent where the field is no pointer. */
  isZero(message: Fields): boolean;
  toJson(message: Fields): JsonValue;
  fromJson(json: JsonValue, context: ReadContext): Fields;
}

/** Members that ts-proto keeps beside the fields: bytes of fields the schema does not know. */
export const unknownFieldsKey = '_unknownFields';

/**
 * Messages nested deeper are refused. ts-proto decodes at most 100 levels, and an object must still fit below a list, a
 * watch event and a request.
 */
export const maxDepth = 90;

/** Sets own data, also under the key `__proto__`. */
export function setEntry<T>(target: { [key: string]: T }, key: string, value: T): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
}

export function isEmptyObject(value: object): boolean {
  for (const key in value) if (Object.hasOwn(value, key)) return false;
  return true;
}
