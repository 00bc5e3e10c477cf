import { intOrString } from '@navarch/api';
import type { Endpoints, Pod, Service, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { planEndpoints } from './plan-endpoints';

const pod = (name: string, ip: string, over: { ready?: boolean; terminating?: boolean; ports?: Record<string, number> } = {}): Pod => ({
  metadata: { namespace: 'default', name, uid: name, ...(over.terminating && { deletionTimestamp: { seconds: 1 } }) },
  spec: { containers: [{ ports: Object.entries(over.ports ?? {}).map(([portName, containerPort]) => ({ name: portName, containerPort })) }] },
  status: { phase: 'Running', podIPs: [{ ip }], conditions: [{ type: 'Ready', status: over.ready === false ? 'False' : 'True' }] },
});
const service = (spec: ServiceSpec = {}): Service => ({ metadata: { namespace: 'default', name: 'web', labels: { tier: 'x' } }, spec: { selector: { app: 'web' }, clusterIP: '10.96.0.5', ipFamilies: ['IPv4'], ports: [{ name: 'http', port: 80, targetPort: intOrString(8080) }], ...spec } });
const show = (endpoints: Endpoints | undefined): string[] => (endpoints?.subsets ?? []).map(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
  `${addresses.map(({ ip }) => ip).join(' ')} | ${notReadyAddresses.map(({ ip }) => ip).join(' ')} | ${ports.map(({ name, port }) => `${name ?? ''}:${port}`).join(' ')}`);
const plan = (pods: Pod[], spec?: ServiceSpec, existing?: Endpoints) => planEndpoints(service(spec), pods, existing, undefined);

describe('Endpoints of a Service', () => {
  it('ready and other addresses are apart, terminating ones are gone, the Service’s labels are there', () => {
    const next = plan([pod('b', '10.0.0.2'), pod('a', '10.0.0.1'), pod('c', '10.0.0.3', { ready: false }), pod('d', '10.0.0.4', { terminating: true })]);
    expect(show(next)).toEqual(['10.0.0.1 10.0.0.2 | 10.0.0.3 | http:8080']);
    expect(next?.metadata?.labels).toEqual({ tier: 'x', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' });
    expect(next?.subsets?.[0]?.addresses?.[0]?.targetRef).toEqual({ kind: 'Pod', namespace: 'default', name: 'a', uid: 'a' });
  });

  it('ports with the same addresses share a subset, others have their own', () => {
    const ports = [{ name: 'http', port: 80, targetPort: intOrString(8080) }, { name: 'metrics', port: 81, targetPort: intOrString('m') }];
    expect(show(plan([pod('a', '10.0.0.1', { ports: { m: 9 } }), pod('b', '10.0.0.2', { ports: { m: 9 } })], { ports }))).toEqual(['10.0.0.1 10.0.0.2 |  | http:8080 metrics:9']);
    expect(show(plan([pod('a', '10.0.0.1', { ports: { m: 9 } }), pod('b', '10.0.0.2', { ports: { m: 7 } })], { ports })))
      .toEqual(['10.0.0.1 10.0.0.2 |  | http:8080', '10.0.0.2 |  | metrics:7', '10.0.0.1 |  | metrics:9']);
  });

  it('publishNotReadyAddresses makes all ready; a headless Service needs no ports and is marked', () => {
    expect(show(plan([pod('a', '10.0.0.1', { ready: false }), pod('b', '10.0.0.2', { terminating: true })], { publishNotReadyAddresses: true }))).toEqual(['10.0.0.1 10.0.0.2 |  | http:8080']);
    const headless = plan([pod('a', '10.0.0.1')], { clusterIP: 'None', ports: [] });
    expect([show(headless), headless?.metadata?.labels?.['service.kubernetes.io/headless']]).toEqual([['10.0.0.1 |  | '], '']);
  });

  it('beyond 1,000 addresses they are cut, ready ones last, and an annotation says so', () => {
    const many = Array.from({ length: 1_200 }, (_, index) => pod(`p${index}`, `10.0.${index >> 8}.${index & 255}`, { ready: index >= 300 }));
    const next = plan(many);
    expect([next?.subsets?.[0]?.addresses?.length, next?.subsets?.[0]?.notReadyAddresses?.length, next?.metadata?.annotations?.['endpoints.kubernetes.io/over-capacity']]).toEqual([900, 100, 'truncated']);
    expect(plan(many.slice(0, 1_000), {}, next)?.metadata?.annotations?.['endpoints.kubernetes.io/over-capacity']).toBeUndefined();
  });

  it('what is so already is not written again', () => {
    const pods = [pod('a', '10.0.0.1'), pod('b', '10.0.0.2', { ready: false })];
    expect(plan([...pods].reverse(), {}, plan(pods))).toBeUndefined();
  });
});
