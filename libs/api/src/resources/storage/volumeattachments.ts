import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource, statusStrategy } from '../../define-resource';
import { statusOnly } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { forbidden, inRange, invalid, invalidEach, required, tooLong } from '../../validation/field-error';
import { dnsSubdomain } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { textBytes, validateDriverName } from '../../validation/storage';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };
const maxMetadataBytes = 256 * 1024;
const maxMessageBytes = 1024;
const maxInt32 = 2 ** 31 - 1;

function validateSpec({ spec = {} }: VolumeAttachment): FieldError[] {
  const { attacher, source = {}, nodeName = '' } = spec;
  return [...validateDriverName('spec.attacher', attacher), ...validateSource(source, 'spec.source'), ...invalidEach('spec.nodeName', nodeName, dnsSubdomain(nodeName))];
}

function validateSource({ persistentVolumeName: name, inlineVolumeSpec }: VolumeAttachmentSource, field: string): FieldError[] {
  const choice = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (name !== undefined && inlineVolumeSpec) return [forbidden(field, choice)];
  if (name === undefined) return inlineVolumeSpec ? [] : [required(field, choice)];
  const at = `${field}.persistentVolumeName`;
  return name === '' ? [required(at, 'must specify non empty persistentVolumeName')] : invalidEach(at, name, dnsSubdomain(name));
}

function validateStatus({ status = {} }: VolumeAttachment): FieldError[] {
  return [
    ...(textBytes(status.attachmentMetadata ?? {}) > maxMetadataBytes ? [tooLong('status.attachmentMetadata', maxMetadataBytes)] : []),
    ...validateError(status.attachError, 'status.attachError'), ...validateError(status.detachError, 'status.detachError'),
  ];
}

function validateError(error: VolumeError | undefined, field: string): FieldError[] {
  if (!error) return [];
  return [
    ...(Buffer.byteLength(error.message ?? '') > maxMessageBytes ? [tooLong(`${field}.message`, maxMessageBytes)] : []),
    ...inRange(`${field}.errorCode`, error.errorCode, 0, maxInt32),
  ];
}

export const volumeAttachments = defineResource<VolumeAttachment>({
  group: 'storage.k8s.io', version: 'v1', kind: 'VolumeAttachment', plural: 'volumeattachments', namespaced: false, subresources: ['status'],
  codec: codecFor<VolumeAttachment>('k8s.io.api.storage.v1.VolumeAttachment'),
  ...statusOnly<VolumeAttachment>(),
  validateCreate: (attachment) => [...validateMeta(attachment, meta), ...validateSpec(attachment)],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validateSpec(next), ...(deepEqual(next.spec, previous.spec) ? [] : [invalid('spec', next.spec, 'field is immutable')]),
  ],
  status: statusStrategy<VolumeAttachment>((next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateStatus(next)]),
  columns: [
    nameColumn,
    { name: 'Attacher', type: 'string', format: 'name', description: 'The driver that attaches.', value: ({ spec }) => spec?.attacher ?? '' },
    { name: 'PV', type: 'string', description: 'The volume to attach.', value: ({ spec }) => spec?.source?.persistentVolumeName ?? '' },
    { name: 'Node', type: 'string', description: 'The node to attach it to.', value: ({ spec }) => spec?.nodeName ?? '' },
    { name: 'Attached', type: 'boolean', description: 'Whether it is attached.', value: ({ status }) => status?.attached === true },
    ageColumn,
  ],
});
