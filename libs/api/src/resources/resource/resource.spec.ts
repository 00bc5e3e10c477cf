import type { DeviceClaim, ResourceSliceSpec } from '@navarch/proto/k8s/io/api/resource/v1/resource';

import { judge } from '../../testing/judge';
import { deviceClasses } from './deviceclasses';
import { resourceClaims } from './resourceclaims';
import { resourceClaimTemplates } from './resourceclaimtemplates';
import { resourceSlices } from './resourceslices';

const metadata = { name: 'x', namespace: 'team' };
const clusterWide = { name: 'x' };
const exactly = { deviceClassName: 'gpu' };

describe('resource claims', () => {
  const { create, defaulted, update, status, cells } = judge(resourceClaims);
  const claim = (devices: DeviceClaim) => ({ metadata, spec: { devices } });

  it('ask for one device unless they say otherwise', () => {
    expect(defaulted(claim({ requests: [{ name: 'a', exactly }, { name: 'b', firstAvailable: [{ name: 'c', allocationMode: 'All' }] }] })).spec?.devices?.requests).toEqual([
      { name: 'a', exactly: { ...exactly, allocationMode: 'ExactCount', count: 1 } }, { name: 'b', firstAvailable: [{ name: 'c', allocationMode: 'All' }] },
    ]);
  });

  it.each<[string, DeviceClaim, string[]]>([
    ['a request for nothing, and for two things', { requests: [{ name: 'a' }, { name: 'b', exactly, firstAvailable: [{}] }] }, [
      'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required',
      'spec.devices.requests[1]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set',
    ]],
    ['a name twice', { requests: [{ name: 'a', exactly }, { name: 'a', exactly }] }, ['spec.devices.requests[1]: Duplicate value: "a"']],
    ['no class, no such mode, an empty selector', { requests: [{ name: 'a', exactly: { allocationMode: 'Some', selectors: [{}, { cel: { expression: ' ' } }] } }] }, [
      'spec.devices.requests[0].exactly.deviceClassName: Required value', 'spec.devices.requests[0].exactly.selectors[0].cel: Required value', 'spec.devices.requests[0].exactly.selectors[1].cel.expression: Required value',
      'spec.devices.requests[0].exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"',
    ]],
    ['counts that contradict the mode', { requests: [{ name: 'a', exactly: { ...exactly, allocationMode: 'All', count: 2 } }, { name: 'b', exactly: { ...exactly, count: -1 } }] }, [
      "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'", 'spec.devices.requests[1].exactly.count: Invalid value: -1: must be greater than zero',
    ]],
    ['constraints on requests that are not there', { requests: [{ name: 'a', exactly }], constraints: [{ requests: ['b'], matchAttribute: 'model' }] }, [
      "spec.devices.constraints[0].requests[0]: Invalid value: \"b\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
      'spec.devices.constraints[0].matchAttribute: Invalid value: "model": must include a domain',
    ]],
    ['parameters that are no object', { requests: [{ name: 'a', exactly }], config: [{ deviceConfiguration: { opaque: { driver: 'd.example.com', parameters: { raw: Buffer.from('[]') } } } }, {}] }, [
      'spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object', 'spec.devices.config[1].opaque: Required value',
    ]],
  ])('refuse %s', (_, devices, complaints) => {
    expect(create(claim(devices))).toEqual(complaints);
  });

  it('and templates of claims stay what they ask for', () => {
    const after = claim({ requests: [{ name: 'b', exactly }] });
    expect(update(after, claim({ requests: [{ name: 'a', exactly }] }))).toEqual([expect.stringMatching(/^spec: Invalid value: .*: field is immutable$/)]);
    expect(judge(resourceClaimTemplates).update({ metadata, spec: after }, { metadata })).toEqual([expect.stringMatching(/^spec: Invalid value: .*: field is immutable$/)]);
    expect(judge(resourceClaimTemplates).create({ metadata, spec: { spec: { devices: { requests: [{ name: 'a' }] } } } })[0]).toMatch(/^spec\.spec\.devices\.requests\[0\]: Required value/);
  });

  it('are reserved only once allocated, and not while they are going', () => {
    const consumer = { resource: 'pods', name: 'p', uid: '1' };
    expect(status({ metadata, status: { reservedFor: [consumer, consumer, {}] } }, { metadata })).toEqual([
      ...['resource', 'name', 'uid'].map((member) => `status.reservedFor[2].${member}: Required value`), 'status.reservedFor[1]: Duplicate value: "1"',
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ]);
    const going = { ...metadata, deletionTimestamp: { seconds: 1 } };
    expect(status({ metadata: going, status: { allocation: {}, reservedFor: [consumer] } }, { metadata: going, status: { allocation: {} } })).toEqual([
      'status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
    ]);
    expect(status({ metadata, status: { allocation: { nodeSelector: {} } } }, { metadata, status: { allocation: {} } })).toEqual(['status.allocation: Invalid value: {"nodeSelector":{}}: field is immutable']);
  });

  it('print how far they have come', () => {
    const state = (object: object) => cells(object)['State'];
    expect([state({}), state({ status: { allocation: {} } }), state({ status: { allocation: {}, reservedFor: [{}] } }), state({ metadata: { deletionTimestamp: { seconds: 1 } }, status: { allocation: {} } })])
      .toEqual(['pending', 'allocated', 'allocated,reserved', 'deleted,allocated']);
  });
});

describe('resource slices', () => {
  const { create, update, cells } = judge(resourceSlices);
  const spec: ResourceSliceSpec = { driver: 'd.example.com', pool: { name: 'p', resourceSliceCount: 1 }, nodeName: 'n' };

  it.each<[string, ResourceSliceSpec, string[]]>([
    ['no place', { ...spec, nodeName: undefined }, ['spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required']],
    ['two places', { ...spec, allNodes: true }, ['spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set']],
    ['an empty pool', { ...spec, pool: { generation: -1 } }, [
      'spec.pool.name: Required value', 'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero', 'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
    ]],
    ['devices and counters in one slice', { ...spec, devices: [{ name: 'a' }], sharedCounters: [{}] }, [
      'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed', 'spec.sharedCounters[0].name: Required value', 'spec.sharedCounters[0].counters: Required value',
    ]],
    ['devices that are alike, odd or tainted oddly', { ...spec, devices: [{ name: 'a' }, { name: 'a', attributes: { '1x': { int: 1 }, v: { version: '1' }, w: {} }, taints: [{ key: 'a', effect: 'Later' }], nodeName: 'n' }] }, [
      'spec.devices[1]: Duplicate value: "a"', expect.stringContaining('spec.devices[1].attributes: Invalid value: "1x": a valid C identifier must start with') as string,
      'spec.devices[1].attributes[v].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0', 'spec.devices[1].attributes[w]: Required value: exactly one value must be specified',
      'spec.devices[1].taints[0].effect: Unsupported value: "Later": supported values: "NoExecute", "NoSchedule", "None"',
      'spec.devices[1]: Invalid value: 1: `nodeName`, `nodeSelector` and `allNodes` may only be set when `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
    ]],
  ])('refuse %s', (_, broken, complaints) => {
    expect(create({ metadata: clusterWide, spec: broken })).toEqual(complaints);
  });

  it('stay with their driver, pool and node, by which they are found', () => {
    expect(update({ metadata: clusterWide, spec: { ...spec, driver: 'e.example.com', nodeName: 'm' } }, { metadata: clusterWide, spec })).toEqual([
      'spec.driver: Invalid value: "e.example.com": field is immutable', 'spec.nodeName: Invalid value: "m": field is immutable',
    ]);
    expect(Object.values(resourceSlices.fieldSelectors).map((read) => read({ spec }))).toEqual(['n', 'd.example.com']);
    expect(cells({ metadata: clusterWide, spec })).toMatchObject({ Node: 'n', Driver: 'd.example.com', Pool: 'p' });
  });
});

it('device classes name an extended resource of another’s domain only', () => {
  const { create } = judge(deviceClasses);
  expect(create({ metadata: clusterWide, spec: { extendedResourceName: 'example.com/gpu' } })).toEqual([]);
  for (const name of ['cpu', 'kubernetes.io/gpu']) {
    expect(create({ metadata: clusterWide, spec: { extendedResourceName: name } })).toEqual([`spec.extendedResourceName: Invalid value: "${name}": must be a valid extended resource name`]);
  }
});
