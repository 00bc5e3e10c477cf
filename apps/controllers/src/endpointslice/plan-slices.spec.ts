import { intOrString } from '@navarch/api';
import type { Pod, Service, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { planSlices, type SlicesInput } from './plan-slices';

interface PodForm {
  readonly ip?: string;
  readonly ips?: readonly string[];
  readonly ready?: boolean;
  readonly node?: string;
  readonly terminating?: boolean;
  readonly phase?: string;
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly ports?: Record<string, number>;
}

function pod(name: string, form: PodForm = {}): Pod {
  const { ip = '10.0.0.1', ips = [ip], ready = true, node, terminating, phase = 'Running', hostname, subdomain, ports = {} } = form;
  return {
    metadata: { namespace: 'default', name, uid: `uid-${name}`, ...(terminating && { deletionTimestamp: { seconds: 5 } }) },
    spec: { nodeName: node, hostname, subdomain, containers: [{ name: 'c', ports: Object.entries(ports).map(([portName, containerPort]) => ({ name: portName, containerPort })) }] },
    status: { phase, podIP: ips[0], podIPs: ips.map((one) => ({ ip: one })), conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

const service = (spec: ServiceSpec = {}, labels?: Record<string, string>): Service => ({
  metadata: { namespace: 'default', name: 'web', uid: 'uid-web', labels },
  spec: { selector: { app: 'web' }, clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ipFamilies: ['IPv4'], ports: [{ name: 'http', port: 80, targetPort: intOrString(8080) }], ...spec },
});

const zones: Record<string, string> = { a: 'east', b: 'west' };
const plan = (input: Partial<SlicesInput> & { pods: Pod[] }) => planSlices({ service: service(), existing: [], zoneOf: (node) => zones[node], ...input });
const only = (input: Partial<SlicesInput> & { pods: Pod[] }): EndpointSlice => {
  const { create } = plan(input);
  expect(create).toHaveLength(1);
  return create[0] as EndpointSlice;
};
const conditionsOf = (input: Partial<SlicesInput> & { pods: Pod[] }) => only(input).endpoints?.map(({ conditions: { ready, serving, terminating } = {} }) => [ready, serving, terminating]);
/** As the server keeps it: with a name. */
const stored = (slices: readonly EndpointSlice[]): EndpointSlice[] => slices.map((slice, index) => ({ ...slice, metadata: { ...slice.metadata, generateName: undefined, name: `web-${index}` } }));

describe('slices of a Service', () => {
  it('name the pod, its node and zone, under the Service’s labels and ownership', () => {
    expect(only({ service: service({}, { tier: 'front', 'kubernetes.io/service-name': 'forged' }), pods: [pod('p', { node: 'a' })], trigger: '2026-01-01T00:00:00Z' })).toEqual({
      addressType: 'IPv4', ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
      endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true, serving: true, terminating: false }, nodeName: 'a', zone: 'east', targetRef: { kind: 'Pod', namespace: 'default', name: 'p', uid: 'uid-p' } }],
      metadata: {
        namespace: 'default', generateName: 'web-', annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
        labels: { tier: 'front', 'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'uid-web', controller: true, blockOwnerDeletion: true }],
      },
    });
  });

  it.each<[string, PodForm, (boolean | undefined)[]]>([
    ['a ready pod', {}, [true, true, false]],
    ['one that is not ready', { ready: false }, [false, false, false]],
    ['one that terminates and still serves', { terminating: true }, [false, true, true]],
    ['one that terminates and no longer serves', { terminating: true, ready: false }, [false, false, true]],
  ])('conditions of %s', (_, form, conditions) => {
    expect(conditionsOf({ pods: [pod('p', form)] })).toEqual([conditions]);
  });

  it('publishNotReadyAddresses makes every address ready, whatever the pod says', () => {
    const open = service({ publishNotReadyAddresses: true });
    expect(conditionsOf({ service: open, pods: [pod('p', { ready: false }), pod('q', { ip: '10.0.0.2', terminating: true })] })).toEqual([[true, false, false], [true, true, true]]);
  });

  it('a pod that has finished, or has no address yet, is no endpoint; the Service has an empty slice then', () => {
    const slice = only({ pods: [pod('done', { phase: 'Succeeded' }), pod('failed', { phase: 'Failed' }), pod('new', { ips: [] })] });
    expect([slice.endpoints, slice.ports, slice.addressType]).toEqual([[], [], 'IPv4']);
    expect(plan({ pods: [], existing: stored([slice]) })).toEqual({ create: [], update: [], remove: [] });
  });

  it('ports by name may have another number in each pod, or none: pods with the same numbers share slices', () => {
    const named = service({ ports: [{ name: 'http', port: 80, targetPort: intOrString('web') }] });
    const { create } = plan({ service: named, pods: [pod('p', { ports: { web: 80 } }), pod('q', { ports: { web: 8080 } }), pod('r', { ports: { web: 80 } }), pod('s')] });
    expect(create.map(({ ports, endpoints }) => [ports?.map(({ port }) => port), endpoints?.map(({ targetRef }) => targetRef?.name)])).toEqual([[[80], ['p', 'r']], [[8080], ['q']], [[], ['s']]]);
  });

  it('two stacks have slices of each family, with the pods that have it', () => {
    const both = service({ ipFamilies: ['IPv4', 'IPv6'] });
    const { create } = plan({ service: both, pods: [pod('p', { ips: ['10.0.0.1', 'fd00::1'] }), pod('q', { ips: ['10.0.0.2'] })] });
    expect(create.map(({ addressType, endpoints }) => [addressType, endpoints?.map(({ addresses }) => addresses?.[0])])).toEqual([['IPv4', ['10.0.0.1', '10.0.0.2']], ['IPv6', ['fd00::1']]]);
  });

  it('a family that the Service no longer has loses its slices', () => {
    const both = plan({ service: service({ ipFamilies: ['IPv4', 'IPv6'] }), pods: [pod('p', { ips: ['10.0.0.1', 'fd00::1'] })] });
    const { remove, update, create } = plan({ pods: [pod('p', { ips: ['10.0.0.1', 'fd00::1'] })], existing: stored(both.create) });
    expect([remove.map(({ addressType }) => addressType), update, create]).toEqual([['IPv6'], [], []]);
  });

  it('a headless Service is marked, needs no ports, and its pods have their host names below it', () => {
    const headless = service({ clusterIP: 'None', clusterIPs: ['None'], ports: [] });
    const slice = only({ service: headless, pods: [pod('p', { hostname: 'db-0', subdomain: 'web' }), pod('q', { ip: '10.0.0.2', hostname: 'x', subdomain: 'other' })] });
    expect([slice.metadata?.labels?.['service.kubernetes.io/headless'], slice.ports, slice.endpoints?.map(({ hostname }) => hostname)]).toEqual(['', [], ['db-0', undefined]]);
  });

  it.each<[string | undefined, unknown]>([
    [undefined, undefined],
    ['PreferClose', { forZones: [{ name: 'east' }] }],
    ['PreferSameZone', { forZones: [{ name: 'east' }] }],
    ['PreferSameNode', { forZones: [{ name: 'east' }], forNodes: [{ name: 'a' }] }],
  ])('hints for traffic distribution %s', (trafficDistribution, hints) => {
    expect(only({ service: service({ trafficDistribution }), pods: [pod('p', { node: 'a' })] }).endpoints?.[0]?.hints).toEqual(hints);
  });

  it('a pod whose zone nobody knows has no hint for it', () => {
    expect(only({ service: service({ trafficDistribution: 'PreferClose' }), pods: [pod('p', { node: 'nowhere' })] }).endpoints?.[0]?.hints).toBeUndefined();
  });

  it('250 pods fill three slices; the same pods again write nothing, one change writes one slice', () => {
    const pods = Array.from({ length: 250 }, (_, index) => pod(`p${index}`, { ip: `10.0.${index >> 8}.${index & 255}` }));
    const { create } = plan({ pods });
    expect(create.map(({ endpoints }) => endpoints?.length)).toEqual([100, 100, 50]);
    const existing = stored(create);
    expect(plan({ pods, existing, trigger: 'later' })).toEqual({ create: [], update: [], remove: [] });
    const changed = plan({ pods: pods.map((one, index) => (index === 120 ? pod('p120', { ip: '10.0.0.120', ready: false }) : one)), existing });
    expect([changed.create.length, changed.update.map(({ metadata }) => metadata?.name), changed.remove.length]).toEqual([0, ['web-1'], 0]);
  });

  it('a changed port changes the slices in place instead of making others', () => {
    const existing = stored(plan({ pods: [pod('p')] }).create);
    const { create, update, remove } = plan({ service: service({ ports: [{ name: 'http', port: 80, targetPort: intOrString(9090) }] }), pods: [pod('p')], existing });
    expect([create, update.map(({ metadata, ports }) => [metadata?.name, ports?.[0]?.port]), remove]).toEqual([[], [['web-0', 9090]], []]);
  });

  it('labels that the Service got since are brought to its slices', () => {
    const existing = stored(plan({ pods: [pod('p')] }).create);
    expect(plan({ service: service({}, { team: 'x' }), pods: [pod('p')], existing }).update[0]?.metadata?.labels).toMatchObject({ team: 'x' });
  });
});
