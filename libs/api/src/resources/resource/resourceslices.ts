import type { ResourceSlice } from '@navarch/proto/k8s/io/api/resource/v1/resource';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { validateSliceSpec } from '../../validation/device-slice';
import { unchanged } from '../../validation/immutable';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };

export const resourceSlices = defineResource<ResourceSlice>({
  group: 'resource.k8s.io', version: 'v1', kind: 'ResourceSlice', plural: 'resourceslices', namespaced: false,
  codec: codecFor<ResourceSlice>('k8s.io.api.resource.v1.ResourceSlice'),
  ...countedGeneration<ResourceSlice>(),
  validateCreate: (slice) => [...validateMeta(slice, meta), ...validateSliceSpec(slice.spec ?? {}, 'spec')],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validateSliceSpec(next.spec ?? {}, 'spec'),
    ...unchanged('spec.pool.name', next.spec?.pool?.name, previous.spec?.pool?.name),
    ...unchanged('spec.driver', next.spec?.driver, previous.spec?.driver), ...unchanged('spec.nodeName', next.spec?.nodeName, previous.spec?.nodeName),
  ],
  fieldSelectors: { 'spec.nodeName': ({ spec }) => spec?.nodeName ?? '', 'spec.driver': ({ spec }) => spec?.driver ?? '' },
  columns: [
    nameColumn,
    { name: 'Node', type: 'string', description: 'The node that the devices are on, where it is one.', value: ({ spec }) => spec?.nodeName ?? '' },
    { name: 'Driver', type: 'string', description: 'The driver that offers the devices.', value: ({ spec }) => spec?.driver ?? '' },
    { name: 'Pool', type: 'string', description: 'The pool that the devices are of.', value: ({ spec }) => spec?.pool?.name ?? '' },
    ageColumn,
  ],
});
