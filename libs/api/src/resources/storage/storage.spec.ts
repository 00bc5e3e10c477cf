import { judge } from '../../testing/judge';
import { csiDrivers } from './csidrivers';
import { csiNodes } from './csinodes';
import { csiStorageCapacities } from './csistoragecapacities';
import { storageClasses } from './storageclasses';
import { volumeAttachments } from './volumeattachments';
import { volumeAttributesClasses } from './volumeattributesclasses';

const metadata = { name: 'x' };

describe('storage classes', () => {
  const { create, defaulted, update, cells } = judge(storageClasses);

  it('delete volumes and bind at once unless they say otherwise', () => {
    expect(defaulted({ metadata, provisioner: 'a/b' })).toEqual({ metadata, provisioner: 'a/b', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
  });

  it('check provisioner, policies and topologies', () => {
    const term = { matchLabelExpressions: [{ key: 'zone', values: ['a', 'a'] }, { key: 'zone', values: [] }] };
    expect(create({ metadata, reclaimPolicy: 'Recycle', volumeBindingMode: 'Later', parameters: { '': 'x' }, allowedTopologies: [term] })).toEqual([
      'provisioner: Required value', 'parameters: Invalid value: "": field can not be empty.', 'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
      'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
      'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"', 'allowedTopologies[0].matchLabelExpressions[1].values: Required value',
      'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "zone"',
    ]);
  });

  it('stay what they are', () => {
    expect(update({ metadata, provisioner: 'a/c', parameters: { a: '1' }, reclaimPolicy: 'Retain', volumeBindingMode: 'WaitForFirstConsumer' }, { metadata, provisioner: 'a/b' })).toEqual([
      'parameters: Forbidden: updates to parameters are forbidden.', 'provisioner: Forbidden: updates to provisioner are forbidden.', 'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]);
    expect(update({ metadata, provisioner: 'a/b', allowVolumeExpansion: true }, { metadata, provisioner: 'a/b' })).toEqual([]);
  });

  it('print which is the default', () => {
    expect(cells({ metadata: { ...metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'a/b' })).toEqual({
      Name: 'x (default)', Provisioner: 'a/b', ReclaimPolicy: 'Delete', VolumeBindingMode: 'Immediate', AllowVolumeExpansion: false, Age: '<unknown>',
    });
  });
});

describe('CSI drivers', () => {
  const { create, created, defaulted, update, updated, cells } = judge(csiDrivers);

  it('attach, and mount persistent volumes, unless they say otherwise', () => {
    expect(defaulted({ metadata }).spec).toEqual({
      attachRequired: true, podInfoOnMount: false, storageCapacity: false, fsGroupPolicy: 'ReadWriteOnceWithFSType', volumeLifecycleModes: ['Persistent'], requiresRepublish: false, seLinuxMount: false,
    });
  });

  it('check policy, modes and tokens', () => {
    const tokenRequests = [{ audience: 'a', expirationSeconds: 599 }, { audience: 'a' }, { audience: 'b', expirationSeconds: 2 ** 32 + 1 }];
    expect(create({ metadata, spec: { fsGroupPolicy: 'Some', volumeLifecycleModes: ['Brief'], tokenRequests, nodeAllocatableUpdatePeriodSeconds: 9 } })).toEqual([
      'spec.fsGroupPolicy: Unsupported value: "Some": supported values: "File", "None", "ReadWriteOnceWithFSType"',
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes', 'spec.tokenRequests[1].audience: Duplicate value: "a"',
      'spec.tokenRequests[2].expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds',
      'spec.volumeLifecycleModes: Unsupported value: "Brief": supported values: "Persistent", "Ephemeral"',
      'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds',
    ]);
  });

  it('keep how they attach, and count what else changes', () => {
    expect(update({ metadata, spec: { attachRequired: false } }, { metadata })).toEqual(['spec.attachedRequired: Invalid value: false: field is immutable']);
    const first = created({ metadata });
    expect(first.metadata?.generation).toBeUndefined();
    expect(updated({ metadata, spec: { requiresRepublish: true } }, first).metadata?.generation).toBe(1);
    expect(updated({ metadata }, first).metadata?.generation).toBeUndefined();
  });

  it('print truth values as such', () => {
    expect(cells(defaulted({ metadata }))).toMatchObject({ AttachRequired: true, PodInfoOnMount: false, TokenRequests: '<unset>', Modes: 'Persistent' });
  });
});

describe('what is known of storage on nodes', () => {
  it('CSI nodes list each driver once, and a driver stays but for its limits', () => {
    const { create, update } = judge(csiNodes);
    const driver = { name: 'd.example.com', nodeID: 'n' };
    expect(create({ metadata, spec: { drivers: [driver, driver, { name: 'e', topologyKeys: ['zone', 'zone'] }] } })).toEqual([
      'spec.drivers[1].name: Duplicate value: "d.example.com"', 'spec.drivers[2].nodeID: Required value', 'spec.drivers[2]: Duplicate value: "zone"',
    ]);
    const previous = { metadata, spec: { drivers: [driver] } };
    expect(update({ metadata, spec: { drivers: [{ ...driver, allocatable: { count: 5 } }] } }, previous)).toEqual([]);
    expect(update({ metadata, spec: { drivers: [{ ...driver, nodeID: 'm' }] } }, previous)).toEqual(['spec.drivers: Invalid value: {"name":"d.example.com","nodeID":"m"}: field is immutable']);
  });

  it('capacities are of one class and topology', () => {
    const { create, update } = judge(csiStorageCapacities);
    const named = { name: 'x', namespace: 'team' };
    expect(create({ metadata: named, storageClassName: 'fast', capacity: { string: '-1' } })).toEqual(['capacity: Invalid value: "-1": must be greater than or equal to 0']);
    expect(update({ metadata: named, storageClassName: 'a', capacity: { string: '-1' } }, { metadata: named, storageClassName: 'a' })).toEqual(['capacity: Invalid value: "-1": must be greater than or equal to 0']);
    expect(update({ metadata: named, storageClassName: 'b', nodeTopology: {} }, { metadata: named, storageClassName: 'a' })).toEqual([
      'nodeTopology: Invalid value: {}: field is immutable', 'storageClassName: Invalid value: "b": field is immutable',
    ]);
  });
});

describe('volume attachments', () => {
  const { create, update, status } = judge(volumeAttachments);
  const spec = { attacher: 'd.example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } };

  it('say who attaches what where, for good', () => {
    expect(create({ metadata, spec: { attacher: 'd', nodeName: 'n', source: {} } })).toEqual(['spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName']);
    expect(create({ metadata, spec: { ...spec, source: { persistentVolumeName: 'v', inlineVolumeSpec: {} } } })).toEqual(['spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName']);
    expect(update({ metadata, spec: { ...spec, nodeName: 'm' } }, { metadata, spec })).toEqual([expect.stringMatching(/^spec: Invalid value: .*: field is immutable$/)]);
  });

  it('bound what drivers may write into their status', () => {
    expect(status({ metadata, spec, status: { attached: false, attachError: { message: 'x'.repeat(1025), errorCode: -1 } } }, { metadata, spec })).toEqual([
      'status.attachError.message: Too long: may not be more than 1024 bytes', 'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ]);
  });
});

it('volume attributes classes have parameters, which stay', () => {
  const { create, update } = judge(volumeAttributesClasses);
  expect(create({ metadata, driverName: 'd' })).toEqual(['parameters: Required value: must contain at least one key/value pair']);
  expect(update({ metadata, driverName: 'e', parameters: { a: '2' } }, { metadata, driverName: 'd', parameters: { a: '1' } })).toEqual([
    'driverName: Forbidden: updates to driverName are forbidden.', 'parameters: Forbidden: updates to parameters are forbidden.',
  ]);
});
