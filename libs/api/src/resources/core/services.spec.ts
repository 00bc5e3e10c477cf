import type { Service, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { intOrString } from '../../scalars/int-or-string';
import { cells, created, refused, statusRefused, updated } from '../../testing/kind-tools';
import { services } from './services';

const service = (spec: ServiceSpec = {}): Service => ({ spec: { ports: [{ port: 80 }], ...spec } });
/** As the allocator leaves it. */
const allocated = (spec: ServiceSpec = {}): Service => created(services, service({ clusterIP: '10.96.0.5', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', ...spec }));
const change = (previous: Service, spec: ServiceSpec) => updated(services, previous, (object) => void (object.spec = { ...object.spec, ...spec }));

describe('services', () => {
  it('have Kubernetes’ defaults; families are the server’s to give', () => {
    expect(created(services, service()).spec).toEqual({
      type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: intOrString(80) }],
    });
    expect(created(services, service({ ports: [{ port: 80, targetPort: intOrString('http') }] })).spec?.ports?.[0]?.targetPort).toEqual(intOrString('http'));
    expect(created(services, service({ sessionAffinity: 'ClientIP' })).spec?.sessionAffinityConfig).toEqual({ clientIP: { timeoutSeconds: 10_800 } });
    expect(created(services, service({ type: 'NodePort' })).spec).toMatchObject({ externalTrafficPolicy: 'Cluster', internalTrafficPolicy: 'Cluster' });
    expect(created(services, service({ type: 'LoadBalancer' })).spec).toMatchObject({ externalTrafficPolicy: 'Cluster', allocateLoadBalancerNodePorts: true });
    expect(created(services, service({ externalIPs: ['1.2.3.4'] })).spec?.externalTrafficPolicy).toBe('Cluster');
    expect(created(services, { spec: { type: 'ExternalName', externalName: 'a.b' } }).spec).toEqual({ type: 'ExternalName', externalName: 'a.b', sessionAffinity: 'None' });
    expect(created(services, service({ clusterIP: 'fd00::5' })).spec).toMatchObject({ clusterIP: 'fd00::5', clusterIPs: ['fd00::5'] });
    expect(created(services, service()).status).toEqual({ loadBalancer: {} });
  });

  it.each<[string, ServiceSpec, string[]]>([
    ['no ports', { ports: [] }, ['spec.ports: Required value']],
    ['ports without names or twice', { ports: [{ port: 80 }, { port: 80, name: 'a' }, { port: 81, name: 'a' }] }, [
      'spec.ports[0].name: Required value', 'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}', 'spec.ports[2].name: Duplicate value: "a"',
    ]],
    ['impossible ports', { ports: [{ port: 0, protocol: 'IP', targetPort: intOrString('UPPER') }] }, [
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive', 'spec.ports[0].protocol: Unsupported value: "IP": supported values: "SCTP", "TCP", "UDP"',
      'spec.ports[0].targetPort: Invalid value: "UPPER": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)', 'spec.ports[0].targetPort: Invalid value: "UPPER": must contain at least one letter (a-z)',
    ]],
    ['node ports inside only', { ports: [{ port: 80, nodePort: 30080 }] }, ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]],
    ['one node port twice', { type: 'NodePort', ports: [{ name: 'a', port: 80, nodePort: 30080 }, { name: 'b', port: 81, nodePort: 30080 }] }, ['spec.ports[1].nodePort: Duplicate value: 30080']],
    ['an unknown type', { type: 'Magic', internalTrafficPolicy: 'Cluster' }, ['spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']],
    ['node ports without an address', { type: 'NodePort', clusterIP: 'None' }, ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"]],
    ['no other name', { type: 'ExternalName' }, ['spec.externalName: Required value']],
    ['an address beside another name', { type: 'ExternalName', externalName: 'a.b', clusterIP: '10.0.0.1', ipFamilies: ['IPv4'] }, [
      'spec.clusterIPs: Forbidden: may not be set for ExternalName services', 'spec.ipFamilies: Forbidden: may not be set for ExternalName services',
    ]],
    ['the kubelet in public', { type: 'LoadBalancer', ports: [{ port: 10250 }] }, ['spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet']],
    ['an unknown affinity', { sessionAffinity: 'Cookie' }, ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"']],
    ['endless affinity', { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_401 } } }, [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
    ]],
    ['addresses that disagree', { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.2'] }, ['spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`']],
    ['addresses without the first', { clusterIPs: ['10.0.0.2'] }, ['spec.clusterIPs: Invalid value: ["10.0.0.2"]: must be empty when `clusterIP` is not specified']],
    ['no address at all', { clusterIP: 'ten' }, ['spec.clusterIPs[0]: Invalid value: "ten": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ['two stacks in one', { ipFamilyPolicy: 'SingleStack', clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1', 'fd00::1'] }, ["spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple 'clusterIPs' are specified"]],
    ['an address of another family', { clusterIP: '10.0.0.1', ipFamilies: ['IPv6'] }, ['spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`']],
    ['addresses that are everybody’s', { externalIPs: ['127.0.0.1', '0.0.0.0', '169.254.1.1', '224.0.0.1'] }, [
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)', 'spec.externalIPs[1]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0 or ::)',
      'spec.externalIPs[2]: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      'spec.externalIPs[3]: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
    ]],
    ['what only load balancers have', { loadBalancerSourceRanges: ['10.0.0.0/8'], allocateLoadBalancerNodePorts: false, loadBalancerClass: 'a/b' }, [
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'", "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ]],
    ['a policy for traffic that never comes', { externalTrafficPolicy: 'Local' }, ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services']],
    ['unknown policies', { internalTrafficPolicy: 'Near', trafficDistribution: 'Far' }, [
      'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"', 'spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
    ]],
  ])('refuse %s', (_, spec, complaints) => {
    expect(refused(services, service(spec))).toEqual(complaints);
  });

  it('without an address of their own need no ports', () => {
    expect(refused(services, { spec: { clusterIP: 'None' } })).toEqual([]);
  });

  it('have names that are DNS labels of the older kind', () => {
    expect(refused(services, { ...service(), metadata: { name: '1st' } })[0]).toContain('metadata.name: Invalid value: "1st": a DNS-1035 label must consist of');
  });

  it('keep what was allocated when an update leaves it out', () => {
    const before = allocated({ type: 'NodePort', ports: [{ name: 'a', port: 80, nodePort: 30080 }] });
    const { next, errors } = updated(services, before, (object) => void (object.spec = { type: 'NodePort', ports: [{ name: 'a', port: 80 }, { name: 'b', port: 81 }] }));
    expect(errors).toEqual([]);
    expect(next.spec).toMatchObject({ clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    expect(next.spec?.ports?.map(({ nodePort }) => nodePort)).toEqual([30080, undefined]);
  });

  it('do not move to another address', () => {
    expect(change(allocated(), { clusterIP: '10.96.0.6' }).errors).toEqual(['spec.clusterIPs[0]: Invalid value: ["10.96.0.6"]: may not change once set']);
    expect(change(allocated(), { ipFamilies: ['IPv6'] }).errors[0]).toBe('spec.ipFamilies[0]: Invalid value: "IPv6": may not change once set');
    expect(change(allocated({ type: 'LoadBalancer', loadBalancerClass: 'a/b' }), { loadBalancerClass: 'a/c' }).errors).toEqual(['spec.loadBalancerClass: Invalid value: "a/c": may not change once set']);
  });

  it('get their address once', () => {
    expect(change(created(services, service()), { clusterIP: '10.96.0.6', clusterIPs: ['10.96.0.6'] }).errors).toEqual([]);
  });

  it('lose with their type what only that type had', () => {
    const { next, errors } = change(allocated({ type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30080 }] }), { type: 'ClusterIP' });
    expect(errors).toEqual([]);
    expect(next.spec?.ports).toEqual([{ port: 80, protocol: 'TCP', targetPort: intOrString(80) }]);
    expect([next.spec?.allocateLoadBalancerNodePorts, next.spec?.externalTrafficPolicy]).toEqual([undefined, undefined]);
    const named = change(allocated(), { type: 'ExternalName', externalName: 'a.b' });
    expect(named.errors).toEqual([]);
    expect([named.next.spec?.clusterIP, named.next.spec?.clusterIPs, named.next.spec?.ipFamilies]).toEqual([undefined, undefined, undefined]);
  });

  it('tell only of balancers that they have', () => {
    const ingress = [{ ip: 'x' }, { hostname: '1.2.3.4' }];
    expect(statusRefused(services, allocated(), { loadBalancer: { ingress } })).toEqual(["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"]);
    expect(statusRefused(services, allocated({ type: 'LoadBalancer' }), { loadBalancer: { ingress } })).toEqual([
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)', 'status.loadBalancer.ingress[0].ipMode: Required value: must be specified when `ip` is set',
      'status.loadBalancer.ingress[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ]);
  });

  it('print where they are', () => {
    const show = (object: Service) => cells(services, object);
    expect(show(allocated({ selector: { b: '2', a: '1' } }))).toMatchObject({ Type: 'ClusterIP', 'Cluster-IP': '10.96.0.5', 'External-IP': '<none>', 'Port(s)': '80/TCP', Selector: 'a=1,b=2' });
    expect(show(allocated({ type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30080 }] }))).toMatchObject({ 'External-IP': '<pending>', 'Port(s)': '80:30080/TCP' });
    expect(show({ ...allocated({ type: 'LoadBalancer' }), status: { loadBalancer: { ingress: [{ ip: '2.2.2.2' }, { hostname: 'a.b' }] } } })).toMatchObject({ 'External-IP': '2.2.2.2,a.b' });
    expect(show(created(services, { spec: { type: 'ExternalName', externalName: 'a.b' } }))).toMatchObject({ 'Cluster-IP': '<none>', 'External-IP': 'a.b', 'Port(s)': '<none>' });
    expect([services.fieldSelectors['spec.type']?.(allocated()), services.fieldSelectors['spec.clusterIP']?.(allocated())]).toEqual(['ClusterIP', '10.96.0.5']);
  });
});
