import type { PackageText } from './text';

/** Documentation of discovery.k8s.io/v1. */
export const discovery: PackageText = {
  Endpoint: ['One place behind a service, usually a pod.', {
    addresses: 'Its addresses, 1 to 100; all lead to the same place.',
    conditions: 'Whether traffic may go there.',
    hostname: 'Host name of the endpoint, a DNS label.',
    targetRef: 'Object behind it, usually a pod.',
    deprecatedTopology: 'Labels of its node, as the version before told them.',
    nodeName: 'Node that it is on.',
    zone: 'Zone that it is in.',
    hints: 'Who should prefer it.',
  }],
  EndpointConditions: ['Whether traffic may go to an endpoint.', {
    ready: 'Whether it takes new traffic: serving and not terminating; absent means true.',
    serving: 'Whether it answers, even while it ends; absent means as ready.',
    terminating: 'Whether it is being ended; absent means false.',
  }],
  EndpointHints: ['Who should prefer an endpoint.', {
    forZones: 'Zones whose traffic should go there; at most 8.',
    forNodes: 'Nodes whose traffic should go there; at most 8.',
  }],
  EndpointPort: ['A port of all endpoints of a slice.', {
    name: "Name of the service's port, unique in the slice; default empty.",
    protocol: 'TCP, UDP or SCTP; default TCP.',
    port: 'Number of the port; absent means none in particular.',
    appProtocol: 'What is spoken above the protocol, such as kubernetes.io/h2c.',
  }],
  EndpointSlice: ['Some of the endpoints of a service.', {
    endpoints: 'The endpoints; at most 1000.',
    ports: 'Ports of each of the endpoints; at most 20000.',
    addressType: 'IPv4, IPv6 or FQDN; cannot change.',
  }],
  ForNode: ['A node whose traffic should come.', {
    name: 'Name of the node.',
  }],
  ForZone: ['A zone whose traffic should come.', {
    name: 'Name of the zone.',
  }],
};
