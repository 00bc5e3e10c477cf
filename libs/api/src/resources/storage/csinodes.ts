import type { CSINode, CSINodeDriver } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { duplicate, invalid, invalidEach, nonNegative, required } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { qualifiedName } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { repeats } from '../../validation/repeats';
import { validateDriverName } from '../../validation/storage';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };
const maxNodeId = 192;

function validate({ spec }: CSINode): FieldError[] {
  const names = new Set<string>();
  return (spec?.drivers ?? []).flatMap((driver, index) => {
    const field = `spec.drivers[${index}]`;
    const errors = validateDriver(driver, field);
    if (names.has(driver.name ?? '')) errors.push(duplicate(`${field}.name`, driver.name));
    names.add(driver.name ?? '');
    return errors;
  });
}

function validateDriver({ name, nodeID = '', allocatable, topologyKeys = [] }: CSINodeDriver, field: string): FieldError[] {
  const repeated = repeats(topologyKeys);
  return [
    ...validateDriverName(`${field}.name`, name),
    ...(nodeID === '' ? [required(`${field}.nodeID`)] : nodeID.length > maxNodeId ? [invalid(`${field}.nodeID`, nodeID, `must be ${maxNodeId} characters or less`)] : []),
    ...nonNegative(`${field}.allocatable.count`, allocatable?.count),
    ...topologyKeys.flatMap((key, index) => [
      ...(key === '' ? [required(field)] : []), ...(repeated[index] ? [duplicate(field, key)] : []), ...invalidEach(field, key, qualifiedName(key)),
    ]),
  ];
}

/** What a driver says of a node stays, but for how many volumes fit there (KEP-4876). */
function validateSameDrivers(next: CSINode, previous: CSINode): FieldError[] {
  const drivers = new Map(next.spec?.drivers?.map((driver) => [driver.name, driver]));
  return (previous.spec?.drivers ?? []).flatMap((before) => {
    const after = drivers.get(before.name);
    return after ? unchanged('spec.drivers', { ...after, allocatable: undefined }, { ...before, allocatable: undefined }) : [];
  });
}

export const csiNodes = defineResource<CSINode>({
  group: 'storage.k8s.io', version: 'v1', kind: 'CSINode', plural: 'csinodes', namespaced: false,
  codec: codecFor<CSINode>('k8s.io.api.storage.v1.CSINode'),
  validateCreate: (node) => [...validateMeta(node, meta), ...validate(node)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next), ...validateSameDrivers(next, previous)],
  columns: [nameColumn, { name: 'Drivers', type: 'integer', description: 'How many CSI drivers run on the node.', value: ({ spec }) => spec?.drivers?.length ?? 0 }, ageColumn],
});
