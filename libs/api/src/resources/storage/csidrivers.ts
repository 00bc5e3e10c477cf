import type { CSIDriver, TokenRequest } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource } from '../../define-resource';
import { countGeneration } from '../../meta/generation';
import type { FieldError } from '../../resource';
import { duplicate, invalid, notSupported, oneOfIfSet } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };
const lifecycleModes = ['Persistent', 'Ephemeral'];
const leastTokenSeconds = 600;
const greatestTokenSeconds = 2 ** 32;

function setDefaults(driver: CSIDriver): void {
  const spec = (driver.spec ??= {});
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
  if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
}

function validate({ spec = {} }: CSIDriver): FieldError[] {
  const { fsGroupPolicy, tokenRequests = [], volumeLifecycleModes = [], nodeAllocatableUpdatePeriodSeconds: period } = spec;
  return [
    ...oneOfIfSet('spec.fsGroupPolicy', fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']),
    ...validateTokens(tokenRequests, 'spec.tokenRequests'),
    ...volumeLifecycleModes.flatMap((mode) => (lifecycleModes.includes(mode) ? [] : [notSupported('spec.volumeLifecycleModes', mode, lifecycleModes)])),
    ...(period !== undefined && period < 10 ? [invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds')] : []),
  ];
}

function validateTokens(tokens: readonly TokenRequest[], field: string): FieldError[] {
  const audiences = new Set<string>();
  return tokens.flatMap(({ audience = '', expirationSeconds }, index) => {
    if (audiences.has(audience)) return [duplicate(`${field}[${index}].audience`, audience)];
    audiences.add(audience);
    const at = `${field}[${index}].expirationSeconds`;
    if (expirationSeconds === undefined) return [];
    if (expirationSeconds < leastTokenSeconds) return [invalid(at, expirationSeconds, 'may not specify a duration less than 10 minutes')];
    return expirationSeconds > greatestTokenSeconds ? [invalid(at, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')] : [];
  });
}

export const csiDrivers = defineResource<CSIDriver>({
  group: 'storage.k8s.io', version: 'v1', kind: 'CSIDriver', plural: 'csidrivers', namespaced: false,
  codec: codecFor<CSIDriver>('k8s.io.api.storage.v1.CSIDriver'),
  setDefaults,
  prepareForUpdate: (next, previous) => countGeneration(next, previous, !deepEqual(next.spec, previous.spec)),
  validateCreate: (driver) => [...validateMeta(driver, meta), ...validate(driver)],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validate(next),
    // The field's name in this one message is Kubernetes' own slip.
    ...unchanged('spec.attachedRequired', next.spec?.attachRequired, previous.spec?.attachRequired),
    ...unchanged('spec.volumeLifecycleModes', next.spec?.volumeLifecycleModes, previous.spec?.volumeLifecycleModes),
  ],
  columns: [
    nameColumn,
    { name: 'AttachRequired', type: 'boolean', description: 'Whether volumes must be attached before they are mounted.', value: ({ spec }) => spec?.attachRequired ?? true },
    { name: 'PodInfoOnMount', type: 'boolean', description: 'Whether the driver is told of the pod at each mount.', value: ({ spec }) => spec?.podInfoOnMount ?? false },
    { name: 'StorageCapacity', type: 'boolean', description: 'Whether the scheduler looks at the capacity that the driver reports.', value: ({ spec }) => spec?.storageCapacity ?? false },
    { name: 'TokenRequests', type: 'string', description: 'Audiences of the tokens that the driver gets.', value: ({ spec }) => spec?.tokenRequests?.map(({ audience = '' }) => audience).join(',') ?? '<unset>' },
    { name: 'RequiresRepublish', type: 'boolean', description: 'Whether the driver is asked to publish again from time to time.', value: ({ spec }) => spec?.requiresRepublish ?? false },
    { name: 'Modes', type: 'string', description: 'Kinds of volumes that the driver supports.', value: ({ spec }) => spec?.volumeLifecycleModes?.join(',') || '<none>' },
    ageColumn,
  ],
});
