import type { PackageText } from './text';

/** Documentation of networking.k8s.io/v1. */
export const networking: PackageText = {
  HTTPIngressPath: ['Where requests of one path go.', {
    path: 'Path that is matched; begins with a slash.',
    backend: 'Where matching requests go.',
    pathType: 'Exact, Prefix by whole elements, or ImplementationSpecific.',
  }],
  HTTPIngressRuleValue: ['Where requests of one host go, by path.', {
    paths: 'The paths; the longest match counts.',
  }],
  IPAddress: ['An address taken from the ranges for services.'],
  IPAddressSpec: ['Who has an address.', {
    parentRef: 'Object that the address belongs to.',
  }],
  IPBlock: ['A range of addresses.', {
    cidr: 'The range, IPv4 or IPv6.',
    except: 'Ranges inside of it that are left out.',
  }],
  Ingress: ['Leads HTTP traffic from outside to services, by host and path.'],
  IngressBackend: ['Where requests go; exactly one member is set.', {
    resource: 'Object in the namespace, such as a bucket.',
    service: 'A port of a service in the namespace.',
  }],
  IngressClass: ['Which controller serves the ingresses that name it.'],
  IngressClassParametersReference: ['Names an object with settings for the controller.', {
    apiGroup: 'Group of the object; empty for core.',
    kind: 'Kind of the object.',
    name: 'Name of the object.',
    scope: 'Cluster or Namespace; default Cluster.',
    namespace: 'Namespace of the object; set exactly when scope is Namespace.',
  }],
  IngressClassSpec: ['Which controller it is, and its settings.', {
    controller: 'Name of the controller, such as example.com/ingress; cannot change.',
    parameters: 'Object with further settings.',
  }],
  IngressLoadBalancerIngress: ['An entrance of a load balancer.', {
    ip: 'Its address, if it has one.',
    hostname: 'Its name, if it has one.',
    ports: 'State of each port.',
  }],
  IngressLoadBalancerStatus: ["State of an ingress's load balancer.", {
    ingress: 'Entrances that traffic may use.',
  }],
  IngressPortStatus: ['State of a port of a load balancer.', {
    port: 'Number of the port.',
    protocol: 'TCP, UDP or SCTP.',
    error: 'One word on what is wrong with it.',
  }],
  IngressRule: ['Where requests of one host go.', {
    host: 'Host that is matched, perhaps *. and a domain; empty matches each.',
  }],
  IngressRuleValue: ['Rules of one host.', {
    http: 'Where requests go, by path; absent, all go to the default backend.',
  }],
  IngressServiceBackend: ['A port of a service.', {
    name: "Service in the ingress's namespace.",
    port: 'Port of the service, by name or number.',
  }],
  IngressSpec: ['What an ingress is to do.', {
    defaultBackend: 'Where requests go that no rule matches.',
    tls: 'Certificates by host; all are served on port 443.',
    rules: 'Where requests go, by host.',
    ingressClassName: 'IngressClass whose controller serves it; default the default class.',
  }],
  IngressStatus: ['What is known of an ingress.', {
    loadBalancer: 'State of its load balancer.',
  }],
  IngressTLS: ['A certificate and its hosts.', {
    hosts: 'Hosts that the certificate is for.',
    secretName: 'Secret with certificate and key.',
  }],
  NetworkPolicy: ['Which traffic some pods may receive and send.'],
  NetworkPolicyEgressRule: ['Traffic that pods may send; both members must match.', {
    ports: 'Ports that it may go to; empty means each.',
    to: 'Where it may go; empty means anywhere.',
  }],
  NetworkPolicyIngressRule: ['Traffic that pods may receive; both members must match.', {
    ports: 'Ports that it may come in by; empty means each.',
    from: 'Where it may come from; empty means anywhere.',
  }],
  NetworkPolicyPeer: ['The other side of traffic; ipBlock excludes the selectors.', {
    podSelector: "Pods by label, in the namespaces chosen or else the policy's own.",
    namespaceSelector: 'Namespaces by label; an empty selector means all.',
    ipBlock: 'A range of addresses.',
  }],
  NetworkPolicyPort: ['Ports that traffic may go to.', {
    protocol: 'TCP, UDP or SCTP; default TCP.',
    port: 'Number or name of the port; absent means each.',
    endPort: 'Last port of a range that begins at port.',
  }],
  NetworkPolicySpec: ['Which pods are meant, and what they may receive and send.', {
    podSelector: 'Pods that the policy is for; an empty selector means all of the namespace.',
    ingress: 'What they may receive; empty means nothing.',
    egress: 'What they may send; empty means nothing, where Egress is among the types.',
    policyTypes: 'Ingress, Egress or both; default Ingress, and Egress if there are egress rules.',
  }],
  ParentReference: ['Names the object that an address belongs to.', {
    group: 'Group of the resource; empty for core.',
    resource: 'Plural name of the resource.',
    namespace: 'Namespace of the object.',
    name: 'Name of the object.',
  }],
  ServiceBackendPort: ['A port of a service; exactly one member is set.', {
    name: 'Name of the port.',
    number: 'Number of the port.',
  }],
  ServiceCIDR: ['Ranges that services get their addresses from.'],
  ServiceCIDRSpec: ['The ranges.', {
    cidrs: 'One range, or one of each family.',
  }],
  ServiceCIDRStatus: ['Whether the ranges are in use.'],
};
