import { BinaryReader } from '@bufbuild/protobuf/wire';
import { ApiError, isApiError, toError } from '@navarch/base';
import { messagePackages } from '@navarch/proto/messages';

import type { JsonObject, MessageCodec } from '../resource';
import { planOf } from './fields';
import { findUnsafeInteger } from './find-unsafe-integer';
import type { Fields } from './plan';
import { ReadContext } from './read-context';

interface MessageFns {
  encode(message: unknown): { finish(): Uint8Array };
  decode(input: BinaryReader | Uint8Array): unknown;
}

const codecs = new Map<string, MessageCodec<never>>();

/**
 * The codec of one message by its full protobuf name (k8s.io.api.core.v1.Pod). T is the caller's word for what ts-proto
 * generated under that name. Throws at once for a name that does not exist.
 */
export function codecFor<T extends object>(message: string): MessageCodec<T> {
  const known = codecs.get(message);
  if (known) return known as unknown as MessageCodec<T>;
  const codec = makeCodec<T>(message, messageFns(message));
  codecs.set(message, codec as unknown as MessageCodec<never>);
  return codec;
}

/** Loads the generated package only when a codec is first used: each costs megabytes. */
function messageFns(message: string): () => MessageFns {
  const dot = message.lastIndexOf('.');
  const load = messagePackages[message.slice(0, dot)];
  if (!load) throw new Error(`no generated package for message ${message}`);
  let found: MessageFns | undefined;
  return () => {
    found ??= load()[message.slice(dot + 1)] as MessageFns | undefined;
    if (!found) throw new Error(`no generated message ${message}`);
    return found;
  };
}

function makeCodec<T extends object>(message: string, fns: () => MessageFns): MessageCodec<T> {
  const plan = planOf(message);
  return {
    message,
    encode: (object) => fns().encode(object).finish(),
    decode: (bytes) => plan.normalize(decodeWire(message, fns(), bytes), 1) as T,
    normalize: (object) => plan.normalize(object as Fields, 1) as T,
    toJson: (object) => plan.toJson(object as Fields) as JsonObject,
    fromJson: (json, { fieldValidation = 'Warn', warn } = {}) => {
      const context = new ReadContext(fieldValidation, warn);
      const object = plan.fromJson(json, context);
      context.finish();
      return object as T;
    },
  };
}

function decodeWire(message: string, fns: MessageFns, bytes: Uint8Array): Fields {
  try {
    return fns.decode(new BinaryReader(bytes)) as Fields;
  } catch (thrown) {
    if (isApiError(thrown)) throw thrown;
    const cause = toError(thrown);
    const field = cause.message.includes('SAFE_INTEGER') ? findUnsafeInteger(message, bytes) : undefined;
    if (field) throw new ApiError('BadRequest', `${field.path}: ${field.value} is beyond 2^53, the largest integer supported`, {}, { cause });
    throw new ApiError('BadRequest', `malformed protobuf for ${message}: ${cause.message}`, {}, { cause });
  }
}
