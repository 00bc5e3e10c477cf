import type { JsonValue } from '../resource';
import type { ReadContext } from './read-context';
import type { ScalarType } from './schema';

/** One scalar type's JSON form and zero. Protobuf is ts-proto's part. */
export interface ScalarCodec {
  readonly goType: string;
  isZero(value: unknown): boolean;
  zero(): unknown;
  /** The zero as Go prints it. */
  readonly zeroJson: JsonValue;
  toJson(value: unknown): JsonValue;
  fromJson(json: JsonValue, context: ReadContext): unknown;
}

const same = (value: unknown): JsonValue => value as JsonValue;

function integerReader(goType: string, least: number, greatest: number): ScalarCodec['fromJson'] {
  return (json, context) => {
    if (typeof json !== 'number' || !Number.isInteger(json)) return context.wrongType(json, goType);
    if (json >= least && json <= greatest) return json;
    return context.wrongType(json, goType, goType === 'int64' ? ' (integers beyond 2^53 are not supported)' : '');
  };
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Standard base64 with padding; line breaks are skipped, as Go does. */
export function bytesFromBase64(text: string): Buffer | undefined {
  const plain = text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, '') : text;
  return base64.test(plain) ? Buffer.from(plain, 'base64') : undefined;
}

function readBytes(json: JsonValue, context: ReadContext): Buffer {
  if (typeof json !== 'string') return context.wrongType(json, '[]uint8');
  return bytesFromBase64(json) ?? context.malformed(`illegal base64 data at input byte ${firstBadByte(json)}`);
}

function firstBadByte(text: string): number {
  const bad = text.search(/[^A-Za-z0-9+/=\r\n]/);
  return bad === -1 ? text.length - (text.length % 4) : bad;
}

export const scalarCodecs: Readonly<Record<ScalarType, ScalarCodec>> = {
  string: {
    goType: 'string', isZero: (value) => value === '', zero: () => '', zeroJson: '', toJson: same,
    fromJson: (json, context) => (typeof json === 'string' ? json : context.wrongType(json, 'string')),
  },
  bool: {
    goType: 'bool', isZero: (value) => value === false, zero: () => false, zeroJson: false, toJson: same,
    fromJson: (json, context) => (typeof json === 'boolean' ? json : context.wrongType(json, 'bool')),
  },
  int32: {
    goType: 'int32', isZero: (value) => value === 0, zero: () => 0, zeroJson: 0, toJson: same,
    fromJson: integerReader('int32', -(2 ** 31), 2 ** 31 - 1),
  },
  int64: {
    goType: 'int64', isZero: (value) => value === 0, zero: () => 0, zeroJson: 0, toJson: same,
    fromJson: integerReader('int64', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  },
  double: {
    goType: 'float64', isZero: (value) => value === 0, zero: () => 0, zeroJson: 0, toJson: same,
    fromJson: (json, context) => (typeof json === 'number' ? json : context.wrongType(json, 'float64')),
  },
  bytes: {
    goType: '[]uint8', isZero: (value) => (value as Uint8Array).length === 0, zero: () => Buffer.alloc(0), zeroJson: null,
    toJson: (value) => (value as Uint8Array).length === 0 ? '' : asBuffer(value as Uint8Array).toString('base64'),
    fromJson: readBytes,
  },
};

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
