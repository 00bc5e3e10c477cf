import type { ConfigMap, Event, Namespace, Node, Secret } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ApiObject, FieldError } from '../resource';
import { leases } from './coordination/leases';
import { configMaps } from './core/configmaps';
import { events } from './core/events';
import { namespaces } from './core/namespaces';
import { nodes } from './core/nodes';
import { secrets } from './core/secrets';

const metadata = { name: 'x', namespace: 'team' };
const texts = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);
const cells = <T extends ApiObject>(resource: { columns: readonly { name: string; value(object: T, nowMs: number): string | number | boolean }[] }, object: T, nowMs = 100_000): Record<string, string | number | boolean> =>
  Object.fromEntries(resource.columns.map(({ name, value }) => [name, value(object, nowMs)]));

describe('config maps', () => {
  it('check keys, conflicts and size', () => {
    expect(texts(configMaps.validateCreate({ metadata, data: { 'a b': '', '..': '', c: '' }, binaryData: { c: Buffer.of(1) } }))).toEqual([
      "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      "data[..]: Invalid value: \"..\": must not be '..'", 'data[c]: Invalid value: "c": duplicate of key present in binaryData',
    ]);
    expect(texts(configMaps.validateCreate({ metadata, data: { a: 'ä'.repeat(600 * 1024) } }))).toEqual(['[]: Too long: may not be more than 1048576 bytes']);
  });

  it('that are immutable stay as they are', () => {
    const previous: ConfigMap = { metadata, data: { a: '1' }, immutable: true };
    expect(texts(configMaps.validateUpdate({ metadata, data: { a: '2' } }, previous))).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set', 'data: Forbidden: field is immutable when `immutable` is set',
    ]);
  });

  it('print the number of their entries', () => {
    expect(cells(configMaps, { metadata: { ...metadata, creationTimestamp: { seconds: 40 } }, data: { a: '' }, binaryData: { b: Buffer.of(1) } })).toEqual({ Name: 'x', Data: 2, Age: '60s' });
  });
});

describe('secrets', () => {
  it('take text as a way to write bytes, and are opaque unless they say otherwise', () => {
    const secret: Secret = { metadata, data: { a: Buffer.from('old') }, stringData: { a: 'new', b: 'x' } };
    secrets.setDefaults(secret);
    expect(secret).toEqual({ metadata, type: 'Opaque', data: { a: Buffer.from('new'), b: Buffer.from('x') } });
  });

  it.each<[string, string[]]>([
    ['kubernetes.io/tls', ['data[tls.crt]: Required value', 'data[tls.key]: Required value']],
    ['kubernetes.io/dockerconfigjson', ['data[.dockerconfigjson]: Required value']],
    ['kubernetes.io/ssh-auth', ['data[ssh-privatekey]: Required value']],
    ['kubernetes.io/basic-auth', ['data[username]: Required value', 'data[password]: Required value']],
    ['kubernetes.io/service-account-token', ['metadata.annotations[kubernetes.io/service-account.name]: Required value']],
  ])('of type %s have what they need', (type, complaints) => {
    expect(texts(secrets.validateCreate({ metadata, type }))).toEqual(complaints);
  });

  it('never show their contents in an error', () => {
    const errors = texts(secrets.validateCreate({ metadata, type: 'kubernetes.io/dockercfg', data: { '.dockercfg': Buffer.from('hunter2') } }));
    expect(errors).toEqual(['data[.dockercfg]: Invalid value: "<secret contents redacted>": must be valid JSON']);
  });

  it('keep their type, and all when immutable', () => {
    const previous: Secret = { metadata, type: 'Opaque', data: { a: Buffer.of(1) }, immutable: true };
    expect(texts(secrets.validateUpdate({ ...previous, type: 'x/y' }, previous))).toEqual(['type: Invalid value: "x/y": field is immutable']);
    expect(texts(secrets.validateUpdate({ ...previous, data: { a: Buffer.of(2) } }, previous))).toEqual(['data: Forbidden: field is immutable when `immutable` is set']);
    expect(texts(secrets.validateUpdate({ ...previous, data: { a: Uint8Array.of(1) as Buffer } }, previous))).toEqual([]);
  });
});

describe('namespaces', () => {
  it('begin active, with their name as a label and a finalizer', () => {
    const namespace: Namespace = { metadata: { name: 'team' } };
    namespaces.setDefaults(namespace);
    namespaces.prepareForCreate(namespace);
    expect(namespace).toEqual({ metadata: { name: 'team', labels: { 'kubernetes.io/metadata.name': 'team' } }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  });

  it('have names that are labels, not domains', () => {
    expect(texts(namespaces.validateCreate({ metadata: { name: 'a.b' } }))[0]).toContain('a lowercase RFC 1123 label must consist of');
  });

  it('end only when they are being deleted', () => {
    const previous: Namespace = { metadata: { name: 'a' }, status: { phase: 'Active' } };
    expect(texts(namespaces.status?.validateUpdate({ ...previous, status: { phase: 'Terminating' } }, previous) ?? [])).toEqual(["status.phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"]);
  });
});

describe('nodes', () => {
  it('keep their pod range and provider once they have them', () => {
    const previous: Node = { metadata: { name: 'n' }, spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'], providerID: 'a' } };
    const next: Node = { metadata: { name: 'n' }, spec: { podCIDR: '10.0.1.0/24', podCIDRs: ['10.0.1.0/24'], providerID: 'b' } };
    expect(texts(nodes.validateUpdate(next, previous))).toEqual([
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid', 'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    ]);
    expect(nodes.validateUpdate(previous, { metadata: { name: 'n' } })).toEqual([]);
  });

  it('check ranges and taints', () => {
    const spec = { podCIDRs: ['10.0.0.0'], taints: [{ key: 'a', effect: 'X' }, { key: 'b', effect: 'NoSchedule' }, { key: 'b', effect: 'NoSchedule' }] };
    expect(texts(nodes.validateCreate({ metadata: { name: 'n' }, spec }))).toEqual([
      'spec.taints[0].effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      'spec.taints[2]: Duplicate value: {"key":"b","effect":"NoSchedule"}: taints must be unique by key and effect pair',
      'spec.podCIDRs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ]);
  });

  it('can allocate their capacity unless they say less, and mirror their first range', () => {
    const node: Node = { spec: { podCIDR: '10.0.0.0/24' }, status: { capacity: { cpu: { string: '2' } } } };
    nodes.setDefaults(node);
    expect(node).toEqual({ spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] }, status: { capacity: { cpu: { string: '2' } }, allocatable: { cpu: { string: '2' } } } });
  });

  it('print what Kubernetes prints', () => {
    const node: Node = {
      metadata: { name: 'n', labels: { 'node-role.kubernetes.io/b': '', 'node-role.kubernetes.io/a': '', 'kubernetes.io/role': 'a' }, creationTimestamp: { seconds: 40 } },
      spec: { unschedulable: true },
      status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '10.0.0.1' }], nodeInfo: { kubeletVersion: 'v1', kernelVersion: '6', architecture: 'amd64' } },
    };
    expect(cells(nodes, node)).toEqual({
      Name: 'n', Status: 'Ready,SchedulingDisabled', Roles: 'a,b', Age: '60s', Version: 'v1', 'Internal-IP': '10.0.0.1', 'External-IP': '<none>', 'OS-Image': '<unknown>', 'Kernel-Version': '6 (amd64)', 'Container-Runtime': '<unknown>',
    });
    expect(cells(nodes, {})).toMatchObject({ Status: 'Unknown', Roles: '<none>' });
  });
});

describe('events', () => {
  const event: Event = { metadata, involvedObject: { kind: 'Pod', name: 'web', namespace: 'team' } };

  it('stand in the namespace of what they are about', () => {
    expect(texts(events.validateCreate({ ...event, involvedObject: { kind: 'Pod', namespace: 'other' } }))).toEqual(['involvedObject.namespace: Invalid value: "other": does not match event.namespace']);
    expect(events.validateCreate({ ...event, metadata: { name: 'x', namespace: 'default' }, involvedObject: { kind: 'Node', name: 'n' } })).toEqual([]);
  });

  it('of the newer form say who reports, what and why', () => {
    expect(texts(events.validateCreate({ ...event, eventTime: { seconds: 1 } }))).toEqual([
      'reportingComponent: Required value', 'reportingInstance: Required value', 'action: Required value', 'reason: Required value', 'type: Required value',
    ]);
  });

  it('print when, what and how often', () => {
    expect(cells(events, { ...event, type: 'Normal', reason: 'Pulled', message: ' done\n', lastTimestamp: { seconds: 95 }, firstTimestamp: { seconds: 40 }, count: 3, source: { component: 'kubelet', host: 'n' } })).toEqual({
      'Last Seen': '5s', Type: 'Normal', Reason: 'Pulled', Object: 'pod/web', Subobject: '', Source: 'kubelet, n', Message: 'done', 'First Seen': '60s', Count: 3, Name: 'x',
    });
  });
});

describe('leases', () => {
  it('check durations and transitions', () => {
    expect(texts(leases.validateCreate({ metadata, spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } }))).toEqual([
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0', 'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
    ]);
  });

  it('are signs of life, after which nothing needs to be done', () => {
    expect(leases.changesWanted({ metadata, spec: { renewTime: { seconds: 2 } } }, { metadata, spec: { renewTime: { seconds: 1 } } })).toBe(false);
    expect(cells(leases, { metadata, spec: { holderIdentity: 'n' } })['Holder']).toBe('n');
  });
});
