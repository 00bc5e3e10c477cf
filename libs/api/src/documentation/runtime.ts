import type { PackageText } from './text';

/** Documentation of the runtime package: objects of any kind. */
export const runtime: PackageText = {
  RawExtension: ['An object of any kind, kept as it came.', {
    raw: 'The object in JSON.',
  }],
  TypeMeta: ['Kind and version of an object in its binary envelope.', {
    apiVersion: 'Group and version of the object.',
    kind: 'Kind of the object.',
  }],
  Unknown: ['The binary envelope of an object of any kind.', {
    typeMeta: 'Kind and version of the object.',
    raw: 'The object, encoded.',
    contentEncoding: 'How raw is compressed; empty for not at all.',
    contentType: 'How raw is encoded; empty for the binary form.',
  }],
};
