import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import type { ReplicationControllerSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';
import type { PodDisruptionBudgetSpec } from '@navarch/proto/k8s/io/api/policy/v1/policy';

import { intOrString } from '../scalars/int-or-string';
import { cells, created, refused, updated } from '../testing/kind-tools';
import { horizontalPodAutoscalers } from './autoscaling/horizontalpodautoscalers';
import { endpoints } from './core/endpoints';
import { podTemplates } from './core/podtemplates';
import { replicationControllers } from './core/replicationcontrollers';
import { endpointSlices } from './discovery/endpointslices';
import { podDisruptionBudgets } from './policy/poddisruptionbudgets';

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };

describe('replication controllers', () => {
  const controller = (spec: ReplicationControllerSpec = {}) => ({ spec: { template, ...spec } });

  it('take selector and labels from their template', () => {
    expect(created(replicationControllers, controller())).toMatchObject({ metadata: { labels: { app: 'web' }, generation: 1 }, spec: { replicas: 1, selector: { app: 'web' } } });
  });

  it('refuse what they could not count', () => {
    expect(refused(replicationControllers, controller({ selector: { app: 'db' } }))).toEqual(['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`']);
    expect(refused(replicationControllers, controller({ template: { spec: template.spec } }))).toEqual(['spec.selector: Required value']);
  });

  it('scale, and print counts', () => {
    const object = { ...created(replicationControllers, controller()), status: { replicas: 2 } };
    expect(replicationControllers.scale?.read(object).status).toEqual({ replicas: 2, selector: 'app=web' });
    expect(cells(replicationControllers, object)).toMatchObject({ Desired: 1, Current: 2, Ready: 0, Selector: 'app=web' });
  });
});

describe('pod templates', () => {
  it('have the defaults of pods, count their versions and print what they make', () => {
    const before = created(podTemplates, { template });
    expect(before).toMatchObject({ metadata: { generation: 1 }, template: { spec: { restartPolicy: 'Always' } } });
    expect(updated(podTemplates, before, (object) => void (object.template = { spec: template.spec })).next.metadata?.generation).toBe(2);
    expect(cells(podTemplates, before)).toEqual({ Name: 'x', Containers: 'main', Images: 'web:1', 'Pod Labels': 'app=web' });
  });
});

describe('endpoints', () => {
  it('refuse addresses that lead nowhere', () => {
    expect(refused(endpoints, { subsets: [{ ports: [{ port: 80 }, { port: 0 }] }, { addresses: [{ ip: '127.0.0.1', hostname: 'A' }] }] }).map((text) => text.replace(/: a lowercase.*/, ''))).toEqual([
      'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`', 'subsets[0].ports[0].name: Required value', 'subsets[0].ports[1].name: Required value',
      'subsets[0].ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive', 'subsets[1].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'subsets[1].addresses[0].hostname: Invalid value: "A"',
    ]);
  });

  it('print the first few', () => {
    const addresses = ['10.0.0.1', '10.0.0.2', 'fd00::1', '10.0.0.4'].map((ip) => ({ ip }));
    expect(cells(endpoints, created(endpoints, { subsets: [{ addresses, ports: [{ port: 80 }] }] }))['Endpoints']).toBe('10.0.0.1:80,10.0.0.2:80,[fd00::1]:80 + 1 more...');
    expect(cells(endpoints, { subsets: [{ addresses: addresses.slice(0, 1) }] })['Endpoints']).toBe('10.0.0.1');
    expect(cells(endpoints, {})['Endpoints']).toBe('<none>');
  });
});

describe('endpoint slices', () => {
  const slice = (more: EndpointSlice = {}): EndpointSlice => ({ addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ...more });

  it('have ports with a name and a protocol', () => {
    expect(created(endpointSlices, slice({ ports: [{ port: 80 }] }))).toMatchObject({ metadata: { generation: 1 }, ports: [{ name: '', protocol: 'TCP', port: 80 }] });
  });

  it.each<[string, EndpointSlice, string[]]>([
    ['no type', { addressType: undefined }, ['addressType: Required value']],
    ['an unknown type', { addressType: 'Phone' }, ['addressType: Unsupported value: "Phone": supported values: "FQDN", "IPv4", "IPv6"']],
    ['no address', { endpoints: [{}] }, ['endpoints[0].addresses: Required value: must contain at least 1 address']],
    ['another family', { endpoints: [{ addresses: ['fd00::1'] }] }, ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address']],
    ['one port name twice', { ports: [{ port: 1 }, { port: 2 }] }, ['ports[1].name: Duplicate value: ""']],
    ['too many', { endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['10.0.0.1'] })) }, ['endpoints: Too many: 1001: must have at most 1000 items']],
    ['one zone twice', { endpoints: [{ addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'a' }, { name: 'a' }] } }] }, ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"']],
  ])('refuse %s', (_, more, complaints) => {
    expect(refused(endpointSlices, slice(more))).toEqual(complaints);
  });

  it('keep their type, and count the changes of what they say', () => {
    const before = created(endpointSlices, slice());
    expect(updated(endpointSlices, before, (object) => Object.assign(object, { addressType: 'IPv6', endpoints: [] })).errors).toEqual(['addressType: Invalid value: "IPv6": field is immutable']);
    expect(updated(endpointSlices, before, (object) => void (object.metadata = { ...object.metadata, annotations: { a: 'b' } })).next.metadata?.generation).toBe(1);
    expect(updated(endpointSlices, before, (object) => void (object.metadata = { ...object.metadata, labels: { a: 'b' } })).next.metadata?.generation).toBe(2);
  });

  it('print ports and addresses', () => {
    expect(cells(endpointSlices, slice({ ports: [{ port: 80 }, { name: 'dns' }, {}] }))).toMatchObject({ AddressType: 'IPv4', Ports: '80,dns,*', Endpoints: '10.0.0.1' });
    expect(cells(endpointSlices, {})).toMatchObject({ Ports: '<unset>', Endpoints: '<unset>' });
  });
});

describe('pod disruption budgets', () => {
  it.each<[string, PodDisruptionBudgetSpec, string[]]>([
    ['both bounds', { minAvailable: intOrString(1), maxUnavailable: intOrString(1) }, ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set']],
    ['more than all', { minAvailable: intOrString('150%') }, ['spec.minAvailable: Invalid value: "150%": must not be greater than 100%']],
    ['less than none', { maxUnavailable: intOrString(-1) }, ['spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0']],
    ['an unknown policy', { unhealthyPodEvictionPolicy: 'Never' }, ['spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"']],
  ])('refuse %s', (_, spec, complaints) => {
    expect(refused(podDisruptionBudgets, { spec })).toEqual(complaints);
  });

  it('print their bounds, zero included', () => {
    expect(cells(podDisruptionBudgets, { spec: { minAvailable: intOrString(0) }, status: { disruptionsAllowed: 2 } })).toMatchObject({ 'Min Available': '0', 'Max Unavailable': 'N/A', 'Allowed Disruptions': 2 });
  });
});

describe('horizontal pod autoscalers', () => {
  const autoscaler = (spec: HorizontalPodAutoscalerSpec = {}): HorizontalPodAutoscaler => ({ spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 3, ...spec } });
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };

  it('have Kubernetes’ defaults', () => {
    expect(created(horizontalPodAutoscalers, autoscaler()).spec).toMatchObject({ minReplicas: 1, metrics: [cpu] });
    expect(created(horizontalPodAutoscalers, autoscaler({ behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } })).spec?.behavior).toEqual({
      scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, { type: 'Percent', value: 100, periodSeconds: 15 }] },
      scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
    });
  });

  it.each<[string, HorizontalPodAutoscalerSpec, string[]]>([
    ['bounds that cross', { minReplicas: 4 }, ['spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`']],
    ['nothing to scale', { minReplicas: 0, maxReplicas: 0, scaleTargetRef: {} }, [
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1', 'spec.maxReplicas: Invalid value: 0: must be greater than 0', 'spec.scaleTargetRef.kind: Required value', 'spec.scaleTargetRef.name: Required value',
    ]],
    ['a metric of the wrong type', { metrics: [{ type: 'Pods', resource: cpu.resource }] }, ['spec.metrics[0].pods: Required value: must populate information for the given metric source']],
    ['a target that is none', { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }] }, ['spec.metrics[0].resource.target.averageUtilization: Required value: must set either averageUtilization or averageValue']],
    ['too slow a behaviour', { behavior: { scaleUp: { stabilizationWindowSeconds: 3601, policies: [{ type: 'Pods', value: 0, periodSeconds: 1801 }] } } }, [
      'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600', 'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
      'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
    ]],
  ])('refuse %s', (_, spec, complaints) => {
    expect(refused(horizontalPodAutoscalers, autoscaler(spec))).toEqual(complaints);
  });

  it('print what they measure', () => {
    const metrics = [cpu, { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: { string: '5' } } } }, cpu];
    const status = { currentReplicas: 2, currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 20 } } }] };
    expect(cells(horizontalPodAutoscalers, { ...created(horizontalPodAutoscalers, autoscaler({ metrics })), status })).toMatchObject({
      Reference: 'Deployment/web', Targets: 'cpu: 20%/80%, <unknown>/5 (avg) + 1 more...', MinPods: '1', MaxPods: 3, Replicas: 2,
    });
    expect(cells(horizontalPodAutoscalers, {})).toMatchObject({ Targets: '<none>', MinPods: '<unset>' });
  });
});
