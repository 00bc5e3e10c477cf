import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { ApiError, toError } from '@navarch/base';
import { Unknown } from '@navarch/proto/k8s/io/apimachinery/pkg/runtime/runtime';

/** What stands around an object's bytes in Kubernetes' protobuf media type. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The object message's own bytes. */
  readonly raw: Uint8Array;
  readonly contentEncoding?: string;
  readonly contentType?: string;
}

/** "k8s" and NUL. */
const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

/** application/vnd.kubernetes.protobuf: the magic bytes, then one runtime.Unknown with all four fields, as Kubernetes writes it. */
export function encodeEnvelope({ apiVersion, kind, raw, contentEncoding = '', contentType = '' }: Envelope): Uint8Array {
  const writer = new BinaryWriter();
  writer.raw(magic);
  writer.uint32(10).fork().uint32(10).string(apiVersion).uint32(18).string(kind).join();
  writer.uint32(18).bytes(raw).uint32(26).string(contentEncoding).uint32(34).string(contentType);
  return writer.finish();
}

/** Throws ApiError BadRequest for anything that is not an envelope; absent apiVersion and kind come back empty. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length < magic.length || magic.some((byte, index) => bytes[index] !== byte)) {
    throw new ApiError('BadRequest', 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  if (bytes.length === magic.length) throw new ApiError('BadRequest', 'empty body');
  try {
    const { typeMeta, raw, contentEncoding, contentType } = Unknown.decode(new BinaryReader(bytes.subarray(magic.length)));
    return {
      apiVersion: typeMeta?.apiVersion ?? '', kind: typeMeta?.kind ?? '', raw: raw ?? new Uint8Array(),
      ...(contentEncoding && { contentEncoding }), ...(contentType && { contentType }),
    };
  } catch (thrown) {
    throw new ApiError('BadRequest', `malformed protobuf envelope: ${toError(thrown).message}`, {}, { cause: thrown });
  }
}
