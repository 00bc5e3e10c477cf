import type { IngressSpec, NetworkPolicySpec } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { intOrString } from '../../scalars/int-or-string';
import { judge } from '../../testing/judge';
import { ingressClasses } from './ingressclasses';
import { ingresses } from './ingresses';
import { ipAddresses } from './ipaddresses';
import { networkPolicies } from './networkpolicies';
import { serviceCidrs } from './servicecidrs';

const metadata = { name: 'x', namespace: 'team' };
const clusterWide = { name: 'x' };

describe('ingresses', () => {
  const { create, created, updated, status, cells } = judge(ingresses);
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const path = (more: object): IngressSpec => ({ rules: [{ ingressRuleValue: { http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...more }] } } }] });

  it.each<[string, IngressSpec, string[]]>([
    ['nothing to do', {}, ['spec: Invalid value: []: either `defaultBackend` or `rules` must be specified']],
    ['no backend', { defaultBackend: {} }, ['spec.defaultBackend: Invalid value: "": resource or service backend is required']],
    ['two backends', { defaultBackend: { ...backend, resource: { kind: 'A', name: 'b' } } }, ['spec.defaultBackend: Invalid value: "": cannot set both resource and service backends']],
    ['a service without name and port', { defaultBackend: { service: {} } }, ['spec.defaultBackend.service.name: Required value', 'spec.defaultBackend: Required value: port name or number is required']],
    ['two ways to name the port', { defaultBackend: { service: { name: 'a', port: { name: 'b', number: 1 } } } }, ['spec.defaultBackend: Invalid value: "": cannot set both port name & port number']],
    ['a port that is none', { defaultBackend: { service: { name: 'a', port: { number: 70000 } } } }, ['spec.defaultBackend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive']],
    ['an address as host', { rules: [{ host: '10.0.0.1' }] }, ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address']],
    ['no paths', { rules: [{ ingressRuleValue: { http: {} } }] }, ['spec.rules[0].http.paths: Required value']],
    ['no path type', path({ pathType: undefined }), ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified']],
    ['an unknown path type', path({ pathType: 'Glob' }), ['spec.rules[0].http.paths[0].pathType: Unsupported value: "Glob": supported values: "Exact", "ImplementationSpecific", "Prefix"']],
    ['a relative path', path({ path: 'a' }), ['spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path']],
    ['a path upwards', path({ path: '/a/../b/..' }), [
      "spec.rules[0].http.paths[0].path: Invalid value: \"/a/../b/..\": must not contain '/../'", "spec.rules[0].http.paths[0].path: Invalid value: \"/a/../b/..\": cannot end with '/..'",
    ]],
  ])('refuse %s', (_, spec, complaints) => {
    expect(create({ metadata, spec })).toEqual(complaints);
  });

  it('take wildcard hosts, and leave ImplementationSpecific paths to the implementation', () => {
    expect(create({ metadata, spec: { ...path({ path: undefined, pathType: 'ImplementationSpecific' }), tls: [{ hosts: ['*.example.com'], secretName: 'cert' }] } })).toEqual([]);
    expect(create({ metadata, spec: { rules: [{ host: 'a.*.com' }] } })[0]).toContain('spec.rules[0].host: Invalid value: "a.*.com": a wildcard DNS-1123 subdomain must start with');
  });

  it('may name their class by annotation only where that agrees', () => {
    const annotated = { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'a' } };
    expect(create({ metadata: annotated, spec: { defaultBackend: backend, ingressClassName: 'b' } })).toEqual(['annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified']);
  });

  it('count versions of their spec, and start without status', () => {
    const first = created({ metadata, spec: { defaultBackend: backend }, status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } });
    expect(first.metadata?.generation).toBe(1);
    expect(first.status).toBeUndefined();
    expect(updated({ metadata, spec: { ...first.spec, ingressClassName: 'b' } }, first).metadata?.generation).toBe(2);
    expect(updated({ metadata: { ...metadata, labels: { a: 'b' } }, spec: first.spec }, first).metadata?.generation).toBe(1);
  });

  it('check the addresses of their load balancer', () => {
    expect(status({ metadata, status: { loadBalancer: { ingress: [{ ip: '1.2.3' }, { hostname: '1.2.3.4' }] } } }, { metadata })).toEqual([
      'status.loadBalancer.ingress[0].ip: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.loadBalancer.ingress[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ]);
  });

  it('print class, hosts, addresses and ports', () => {
    const hosts = ['a.b', 'c.d', 'e.f', 'g.h', 'i.j'].map((host) => ({ host }));
    expect(cells({ metadata, spec: { rules: hosts, tls: [{}] }, status: { loadBalancer: { ingress: [{ ip: '9.9.9.9' }, { hostname: 'lb' }, { ip: '1.1.1.1' }] } } })).toEqual({
      Name: 'x', Class: '<none>', Hosts: 'a.b,c.d,e.f + 2 more...', Address: '1.1.1.1,9.9.9.9,lb', Ports: '80, 443', Age: '<unknown>',
    });
    expect(cells({ metadata })).toMatchObject({ Hosts: '*', Address: '', Ports: '80' });
  });
});

describe('ingress classes', () => {
  const { create, defaulted, update, cells } = judge(ingressClasses);
  const spec = { controller: 'example.com/edge' };

  it('name a controller once and for all', () => {
    expect(create({ metadata: clusterWide })).toEqual(['spec.controller: Required value']);
    expect(create({ metadata: clusterWide, spec: { controller: 'edge' } })).toEqual(['spec.controller: Invalid value: "edge": must be a domain-prefixed path (such as "acme.io/foo")']);
    expect(update({ metadata: clusterWide, spec: { controller: 'example.com/b' } }, { metadata: clusterWide, spec })).toEqual(['spec.controller: Invalid value: "example.com/b": field is immutable']);
  });

  it('have cluster-wide parameters unless they say otherwise', () => {
    expect(defaulted({ metadata: clusterWide, spec: { ...spec, parameters: { kind: 'A', name: 'b' } } }).spec?.parameters?.scope).toBe('Cluster');
    expect(create({ metadata: clusterWide, spec: { ...spec, parameters: { kind: 'A', name: 'b', namespace: 'c' } } })).toEqual(["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"]);
    expect(create({ metadata: clusterWide, spec: { ...spec, parameters: { scope: 'Namespace' } } })).toEqual([
      'spec.parameters.kind: Required value', 'spec.parameters.name: Required value', "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    ]);
  });

  it('print which is the default, and where their parameters are', () => {
    const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' };
    expect(cells({ metadata: { ...clusterWide, annotations }, spec: { ...spec, parameters: { aPIGroup: 'example.com', kind: 'A', name: 'b' } } })).toMatchObject({ Name: 'x (default)', Parameters: 'A.example.com/b' });
  });
});

describe('network policies', () => {
  const { create, defaulted, cells } = judge(networkPolicies);

  it('are for ingress, for egress too when they have rules for it, and for TCP', () => {
    expect(defaulted({ metadata }).spec).toEqual({ podSelector: {}, policyTypes: ['Ingress'] });
    expect(defaulted({ metadata, spec: { egress: [{ ports: [{}] }] } }).spec).toEqual({ podSelector: {}, egress: [{ ports: [{ protocol: 'TCP' }] }], policyTypes: ['Ingress', 'Egress'] });
  });

  it.each<[string, NetworkPolicySpec, string[]]>([
    ['a peer that is nobody', { ingress: [{ from: [{}] }] }, ['spec.ingress[0].from[0]: Required value: must specify a peer']],
    ['a peer by address and by label', { egress: [{ to: [{ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }] }] }, ['spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer']],
    ['a block that is none', { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0' } }] }] }, ['spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
    ['an exception outside', { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '11.0.0.0/16', '10.0.0.0/8'] } }] }] }, [
      'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`', 'spec.ingress[0].from[0].ipBlock.except[2]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
    ]],
    ['a range of ports that ends before it begins', { ingress: [{ ports: [{ port: intOrString(80), endPort: 70 }] }] }, ['spec.ingress[0].ports[0].endPort: Invalid value: 70: must be greater than or equal to `port`']],
    ['a range from a name', { ingress: [{ ports: [{ port: intOrString('http'), endPort: 70 }] }] }, ['spec.ingress[0].ports[0].endPort: Invalid value: 70: may not be specified when `port` is non-numeric']],
    ['an unknown type', { policyTypes: ['Sideways'] }, ['spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Ingress", "Egress"']],
  ])('refuse %s', (_, spec, complaints) => {
    expect(create({ metadata, spec })).toEqual(complaints);
  });

  it('print their selector', () => {
    expect(cells({ metadata, spec: { podSelector: { matchLabels: { b: '1' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['y', 'x'] }] } } })['Pod-Selector']).toBe('a in (x,y),b=1');
    expect(cells({ metadata, spec: { podSelector: {} } })['Pod-Selector']).toBe('<none>');
  });
});

describe('addresses', () => {
  const { create, update, cells } = judge(ipAddresses);
  const spec = { parentRef: { resource: 'services', namespace: 'team', name: 'web' } };

  it('are named in their one canonical form', () => {
    expect(create({ metadata: { name: '2001:db8::1' }, spec })).toEqual([]);
    expect(create({ metadata: { name: '2001:DB8:0::1' }, spec })).toEqual(['metadata.name: Invalid value: "2001:DB8:0::1": must be in canonical form ("2001:db8::1")']);
    expect(create({ metadata: { name: '::ffff:1.2.3.4' }, spec })).toEqual(['metadata.name: Invalid value: "::ffff:1.2.3.4": must not be an IPv4-mapped IPv6 address']);
  });

  it('belong to one object for good', () => {
    expect(create({ metadata: { name: '10.0.0.1' } })).toEqual(['spec.parentRef: Required value']);
    expect(update({ metadata: { name: '10.0.0.1' }, spec: { parentRef: { ...spec.parentRef, name: 'b' } } }, { metadata: { name: '10.0.0.1' }, spec })).toEqual([
      'spec.parentRef: Invalid value: {"resource":"services","namespace":"team","name":"b"}: field is immutable',
    ]);
    expect(cells({ spec })['ParentRef']).toBe('services/team/web');
    expect(cells({ spec: { parentRef: { group: 'A.b', resource: 'cs', name: 'd' } } })['ParentRef']).toBe('cs.a.b/d');
  });
});

describe('service ranges', () => {
  const { create, update } = judge(serviceCidrs);

  it.each<[readonly string[], string[]]>([
    [[], ['spec.cidrs: Required value: at least one CIDR required']],
    [['10.0.0.1/24'], ['spec.cidrs[0]: Invalid value: "10.0.0.1/24": must be in canonical form ("10.0.0.0/24")']],
    [['2001:db8:0::/64'], ['spec.cidrs[0]: Invalid value: "2001:db8:0::/64": must be in canonical form ("2001:db8::/64")']],
    [['10.0.0.0/24', '10.0.1.0/24'], ['spec.cidrs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64']],
  ])('refuse %j', (cidrs, complaints) => {
    expect(create({ metadata: clusterWide, spec: { cidrs: [...cidrs] } })).toEqual(complaints);
  });

  it('may get a second family and nothing else', () => {
    const previous = { metadata: clusterWide, spec: { cidrs: ['10.0.0.0/24'] } };
    expect(update({ metadata: clusterWide, spec: { cidrs: ['10.0.0.0/24', '2001:db8::/64'] } }, previous)).toEqual([]);
    expect(update({ metadata: clusterWide, spec: { cidrs: ['10.0.1.0/24'] } }, previous)).toEqual(['spec.cidrs[0]: Invalid value: "10.0.1.0/24": field is immutable']);
  });
});
