import { createFileRegistry, fromBinary, type DescService, type FileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { descriptorSetBase64 } from '@navarch/proto/descriptor-set';

import { repeatedField, textField } from './wire';

/** The one descriptor set: what services there are, and the bytes that reflection hands out. */
export interface Descriptors {
  readonly registry: FileRegistry;
  readonly services: readonly DescService[];
  /** FileDescriptorProto bytes by file name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export function loadDescriptors(): Descriptors {
  const bytes = Buffer.from(descriptorSetBase64, 'base64');
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  const services = [...registry].filter((descriptor): descriptor is DescService => descriptor.kind === 'service');
  const files = new Map(repeatedField(bytes, 1).map((file) => [textField(file, 1), file]));
  return { registry, services, files };
}
