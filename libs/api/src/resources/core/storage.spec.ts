import type { LimitRangeItem, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeSpec, ResourceQuotaSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { cells, created, refused, statusRefused, updated } from '../../testing/kind-tools';
import { limitRanges } from './limitranges';
import { persistentVolumeClaims } from './persistentvolumeclaims';
import { persistentVolumes } from './persistentvolumes';
import { resourceQuotas } from './resourcequotas';

const amount = (string: string) => ({ string });
const volume = (spec: PersistentVolumeSpec = {}): PersistentVolume => ({
  spec: { capacity: { storage: amount('1Gi') }, accessModes: ['ReadWriteOnce'], persistentVolumeSource: { hostPath: { path: '/data' } }, ...spec },
});
const sized = (size: string) => ({ requests: { storage: amount(size) } });
const claim = (spec: PersistentVolumeClaimSpec = {}): PersistentVolumeClaim => ({ spec: { accessModes: ['ReadWriteOnce'], resources: sized('1Gi'), ...spec } });

describe('persistent volumes', () => {
  it('have Kubernetes’ defaults', () => {
    const made = created(persistentVolumes, volume());
    expect(made).toMatchObject({ spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', persistentVolumeSource: { hostPath: { path: '/data', type: '' } } }, status: { phase: 'Pending' } });
  });

  it.each<[string, PersistentVolumeSpec, string[]]>([
    ['nothing at all', { capacity: {}, accessModes: [], persistentVolumeSource: {} }, ['spec.accessModes: Required value', 'spec.capacity: Required value', 'spec: Required value: must specify a volume type']],
    ['two volumes in one', { persistentVolumeSource: { hostPath: { path: '/a' }, nfs: { server: 'a', path: '/' } } }, ['spec.nfs: Forbidden: may not specify more than 1 volume type']],
    ['unknown modes', { accessModes: ['Sometimes'], volumeMode: 'Tape' }, [
      'spec.accessModes: Unsupported value: "Sometimes": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"', 'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
    ]],
    ['no room', { capacity: { storage: amount('0') } }, ['spec.capacity[storage]: Invalid value: "0": must be greater than zero']],
    ['a way out', { persistentVolumeSource: { hostPath: { path: '/a/../b' } } }, ["spec.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"]],
    ['recycling the root', { persistentVolumeReclaimPolicy: 'Recycle', persistentVolumeSource: { hostPath: { path: '/' } } }, ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"]],
    ['a local disk anywhere', { persistentVolumeSource: { local: { path: '/disk' } } }, ['spec.nodeAffinity: Required value: Local volume requires node affinity']],
    ['a driver without a volume', { persistentVolumeSource: { csi: { driver: 'a.b' } } }, ['spec.csi.volumeHandle: Required value']],
  ])('refuse %s', (_, spec, complaints) => {
    expect(refused(persistentVolumes, volume(spec))).toEqual(complaints);
  });

  it('stay the volume that they are', () => {
    const before = created(persistentVolumes, volume());
    const { errors } = updated(persistentVolumes, before, ({ spec }) => Object.assign(spec as object, { volumeMode: 'Block', persistentVolumeSource: { hostPath: { path: '/other', type: '' } } }));
    expect(errors).toEqual([
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n- hostPath.path: "/data"\n+ hostPath.path: "/other"', 'volumeMode: Invalid value: "Block": field is immutable',
    ]);
  });

  it('print what they hold and for whom', () => {
    const object: PersistentVolume = { ...created(persistentVolumes, volume({ claimRef: { namespace: 'team', name: 'data' }, storageClassName: 'fast' })), status: { phase: 'Bound' } };
    expect(cells(persistentVolumes, object)).toMatchObject({ Capacity: '1Gi', 'Access Modes': 'RWO', 'Reclaim Policy': 'Retain', Status: 'Bound', Claim: 'team/data', StorageClass: 'fast', VolumeAttributesClass: '<unset>', VolumeMode: 'Filesystem' });
  });
});

describe('persistent volume claims', () => {
  it('have Kubernetes’ defaults, and name their source in both ways', () => {
    const dataSource = { kind: 'PersistentVolumeClaim', name: 'old' };
    expect(created(persistentVolumeClaims, claim({ dataSource }))).toMatchObject({ spec: { volumeMode: 'Filesystem', dataSource, dataSourceRef: dataSource }, status: { phase: 'Pending' } });
    expect(created(persistentVolumeClaims, claim({ dataSourceRef: dataSource })).spec?.dataSource).toEqual(dataSource);
    expect(created(persistentVolumeClaims, claim({ dataSourceRef: { ...dataSource, namespace: 'other' } })).spec?.dataSource).toBeUndefined();
  });

  it.each<[string, PersistentVolumeClaimSpec, string[]]>([
    ['nothing at all', { accessModes: [], resources: {} }, ['spec.accessModes: Required value: at least 1 access mode is required', 'spec.resources[storage]: Required value']],
    ['one pod and others', { accessModes: ['ReadWriteOncePod', 'ReadOnlyMany'] }, ['spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes']],
    ['no room', { resources: sized('0') }, ['spec.resources[storage]: Invalid value: "0": must be greater than zero']],
    ['a source of no group', { dataSource: { kind: 'Pod', name: 'x' }, dataSourceRef: { kind: 'Pod', name: 'x' } }, [
      "spec.dataSource: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup", "spec.dataSourceRef: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
    ]],
    ['two sources', { dataSource: { kind: 'PersistentVolumeClaim', name: 'a' }, dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'b' } }, ['spec: Invalid value: "spec.dataSource": must match dataSourceRef']],
  ])('refuse %s', (_, spec, complaints) => {
    expect(refused(persistentVolumeClaims, claim(spec))).toEqual(complaints);
  });

  it('bind once, get a class once, and grow once they are bound', () => {
    const before = created(persistentVolumeClaims, claim());
    const change = (previous: PersistentVolumeClaim, spec: PersistentVolumeClaimSpec): string[] => updated(persistentVolumeClaims, previous, (object) => void (object.spec = { ...object.spec, ...spec })).errors;
    const frozen = 'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n';
    expect(change(before, { volumeName: 'disk', storageClassName: 'fast' })).toEqual([]);
    expect(change(before, { resources: sized('2Gi') })).toEqual([`${frozen}- resources.requests.storage.string: "1Gi"\n+ resources.requests.storage.string: "2Gi"`]);
    const bound: PersistentVolumeClaim = { ...before, spec: { ...before.spec, volumeName: 'disk' }, status: { phase: 'Bound', capacity: { storage: amount('1Gi') } } };
    expect(change(bound, { resources: sized('2Gi') })).toEqual([]);
    expect(change(bound, { resources: sized('500Mi') })).toEqual(['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity']);
    expect(change(bound, { volumeName: 'other' })).toEqual([`${frozen}- volumeName: "disk"\n+ volumeName: "other"`]);
  });

  it('print the volume only when they have one', () => {
    const status = { phase: 'Bound', capacity: { storage: amount('1Gi') }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] };
    expect(cells(persistentVolumeClaims, { ...claim({ volumeName: 'disk' }), status })).toMatchObject({ Status: 'Bound', Volume: 'disk', Capacity: '1Gi', 'Access Modes': 'RWO,ROX' });
    expect(cells(persistentVolumeClaims, { ...claim(), metadata: { deletionTimestamp: { seconds: 1 } }, status })).toMatchObject({ Status: 'Terminating', Capacity: '', 'Access Modes': '' });
    expect(statusRefused(persistentVolumeClaims, created(persistentVolumeClaims, claim()), { capacity: { storage: amount('-1') } })).toEqual(['status.capacity[storage]: Invalid value: "-1": must be a valid resource quantity']);
  });
});

describe('resource quotas', () => {
  it.each<[string, ResourceQuotaSpec, string[]]>([
    ['nothing wrong', { hard: { pods: amount('10'), 'requests.cpu': amount('500m'), 'count/deployments.apps': amount('2'), 'hugepages-2Mi': amount('1Gi') } }, []],
    ['what cannot be counted', { hard: { socks: amount('1'), pods: amount('1.5'), memory: amount('-1') } }, [
      'spec.hard[socks]: Invalid value: "socks": must be a standard resource for quota', 'spec.hard[pods]: Invalid value: "1.5": must be an integer', 'spec.hard[memory]: Invalid value: "-1": must be greater than or equal to 0',
    ]],
    ['scopes that exclude each other', { hard: { pods: amount('1') }, scopes: ['BestEffort', 'NotBestEffort'] }, ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes']],
    ['scopes of what has none', { hard: { secrets: amount('1') }, scopes: ['Terminating', 'Lucky'] }, [
      'spec.scopes: Invalid value: ["Terminating","Lucky"]: unsupported scope applied to resource', 'spec.scopes: Invalid value: ["Terminating","Lucky"]: unsupported scope',
    ]],
    ['a selector without values', { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] } }, [
      "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
    ]],
  ])('judge %s', (_, spec, complaints) => {
    expect(refused(resourceQuotas, { spec })).toEqual(complaints);
  });

  it('keep their scopes, and print requests and limits apart', () => {
    const before = created(resourceQuotas, { spec: { hard: { pods: amount('1') }, scopes: ['Terminating'] } });
    expect(updated(resourceQuotas, before, ({ spec }) => Object.assign(spec as object, { scopes: ['NotTerminating'] })).errors).toEqual(['spec.scopes: Invalid value: ["NotTerminating"]: field is immutable']);
    const status = { hard: { pods: amount('4'), cpu: amount('2'), 'limits.cpu': amount('4') }, used: { pods: amount('1'), 'limits.cpu': amount('500m') } };
    expect(cells(resourceQuotas, { ...before, status })).toMatchObject({ Request: 'cpu: 0/2, pods: 1/4', Limit: 'limits.cpu: 500m/4' });
  });
});

describe('limit ranges', () => {
  const range = (...limits: LimitRangeItem[]) => ({ spec: { limits } });

  it('give containers as a default what they may have at most', () => {
    const made = created(limitRanges, range({ type: 'Container', max: { cpu: amount('2') }, min: { cpu: amount('100m'), memory: amount('1Mi') }, default: { memory: amount('1Gi') }, defaultRequest: { memory: amount('2Mi') } }));
    expect(made.spec?.limits?.[0]).toMatchObject({ default: { cpu: amount('2'), memory: amount('1Gi') }, defaultRequest: { cpu: amount('2'), memory: amount('2Mi') } });
    expect(created(limitRanges, range({ type: 'Pod', max: { cpu: amount('2') } })).spec?.limits?.[0]?.default).toBeUndefined();
  });

  it.each<[string, LimitRangeItem[], string[]]>([
    ['the same type twice', [{ type: 'Pod' }, { type: 'Pod' }], ['spec.limits[1].type: Duplicate value: "Pod"']],
    ['an unknown type', [{ type: 'Ship' }], ['spec.limits[0].type: Invalid value: "Ship": must be a standard limit type or fully qualified']],
    ['defaults of pods', [{ type: 'Pod', default: { cpu: amount('1') } }], ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]],
    ['a claim without a limit', [{ type: 'PersistentVolumeClaim', max: { cpu: amount('1') } }], ['spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided']],
    ['a floor above the ceiling', [{ type: 'Pod', min: { cpu: amount('2') }, max: { cpu: amount('1') } }], ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1']],
    ['an impossible ratio', [{ type: 'Pod', min: { cpu: amount('1') }, max: { cpu: amount('2') }, maxLimitRequestRatio: { cpu: amount('3'), memory: amount('500m') } }], [
      'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000', 'spec.limits[0].maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1',
    ]],
  ])('refuse %s', (_, limits, complaints) => {
    expect(refused(limitRanges, range(...limits))).toEqual(complaints);
  });
});
