import type { Pod, Service, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { serviceEnvironment } from './service-environment';

const service = (namespace: string, name: string, spec: ServiceSpec): Service => ({ metadata: { namespace, name }, spec });
const api = service('default', 'kubernetes', { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] });
const web = service('shop', 'web-front', { clusterIP: '10.96.0.7', ports: [{ name: 'http', port: 80, protocol: 'TCP' }, { name: 'dns-udp', port: 53, protocol: 'UDP' }] });
const pod = (namespace: string, enableServiceLinks?: boolean): Pod => ({ metadata: { namespace, name: 'p' }, spec: { enableServiceLinks } });
const hosts = (of: Pod, services: readonly Service[]): string[] => [...serviceEnvironment(of, services)].filter(([name]) => name.endsWith('_SERVICE_HOST')).map(([name, value]) => `${name}=${value}`);

describe('variables of Services', () => {
  it('client libraries find the API by KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, in every namespace', () => {
    expect(Object.fromEntries(serviceEnvironment(pod('elsewhere'), [api, web]))).toEqual({
      KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443', KUBERNETES_SERVICE_PORT_HTTPS: '443', KUBERNETES_PORT: 'tcp://10.96.0.1:443',
      KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443', KUBERNETES_PORT_443_TCP_PROTO: 'tcp', KUBERNETES_PORT_443_TCP_PORT: '443', KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
    });
  });

  it('the Services of the pod’s own namespace are there, every port under its number, protocol and name', () => {
    const variables = serviceEnvironment(pod('shop'), [api, web]);
    expect([...variables].filter(([name]) => name.startsWith('WEB_FRONT'))).toEqual([
      ['WEB_FRONT_SERVICE_HOST', '10.96.0.7'], ['WEB_FRONT_SERVICE_PORT', '80'], ['WEB_FRONT_PORT', 'tcp://10.96.0.7:80'],
      ['WEB_FRONT_SERVICE_PORT_HTTP', '80'], ['WEB_FRONT_PORT_80_TCP', 'tcp://10.96.0.7:80'], ['WEB_FRONT_PORT_80_TCP_PROTO', 'tcp'], ['WEB_FRONT_PORT_80_TCP_PORT', '80'], ['WEB_FRONT_PORT_80_TCP_ADDR', '10.96.0.7'],
      ['WEB_FRONT_SERVICE_PORT_DNS_UDP', '53'], ['WEB_FRONT_PORT_53_UDP', 'udp://10.96.0.7:53'], ['WEB_FRONT_PORT_53_UDP_PROTO', 'udp'], ['WEB_FRONT_PORT_53_UDP_PORT', '53'], ['WEB_FRONT_PORT_53_UDP_ADDR', '10.96.0.7'],
    ]);
  });

  it('with enableServiceLinks false only the API’s remain', () => {
    expect(hosts(pod('shop', false), [api, web])).toEqual(['KUBERNETES_SERVICE_HOST=10.96.0.1']);
  });

  it('headless Services, other names and Services without a port have none', () => {
    const none = [service('shop', 'a', { clusterIP: 'None', ports: [{ port: 1 }] }), service('shop', 'b', { type: 'ExternalName' }), service('shop', 'c', { clusterIP: '10.96.0.9' })];
    expect(hosts(pod('shop'), none)).toEqual([]);
  });

  it('a Service called kubernetes in the pod’s namespace goes before the API’s', () => {
    expect(hosts(pod('shop'), [api, service('shop', 'kubernetes', { clusterIP: '10.96.0.66', ports: [{ port: 443 }] })])).toEqual(['KUBERNETES_SERVICE_HOST=10.96.0.66']);
  });

  it('an IPv6 address is in brackets where a port follows', () => {
    const variables = serviceEnvironment(pod('shop'), [service('shop', 'six', { clusterIP: 'fd00::7', ports: [{ port: 80 }] })]);
    expect([variables.get('SIX_PORT'), variables.get('SIX_SERVICE_HOST')]).toEqual(['tcp://[fd00::7]:80', 'fd00::7']);
  });
});
