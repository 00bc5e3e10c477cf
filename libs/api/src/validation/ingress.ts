import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressTLS } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import type { FieldError } from '../resource';
import { invalid, invalidEach, notSupported, required } from './field-error';
import { ip } from './ip';
import { dns1035Label, dnsSubdomain, portName, portNumber } from './names';
import { validateTypedReference, wildcardSubdomain } from './references';

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];
const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badEnds = ['/..', '/.'];

export function validateIngressSpec({ spec = {} }: Ingress): FieldError[] {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec;
  return [
    ...(rules.length === 0 && !defaultBackend ? [invalid('spec', rules, 'either `defaultBackend` or `rules` must be specified')] : []),
    ...(defaultBackend ? validateBackend(defaultBackend, 'spec.defaultBackend') : []),
    ...rules.flatMap((rule, index) => validateRule(rule, `spec.rules[${index}]`)),
    ...tls.flatMap((entry, index) => validateTls(entry, `spec.tls[${index}]`)),
    ...(ingressClassName === undefined ? [] : invalidEach('spec.ingressClassName', ingressClassName, dnsSubdomain(ingressClassName))),
  ];
}

/** The annotation from before ingressClassName may only repeat what that says; checked when the object is made. */
export function validateClassAnnotation({ metadata, spec }: Ingress): FieldError[] {
  const annotation = metadata?.annotations?.['kubernetes.io/ingress.class'];
  return annotation === undefined || spec?.ingressClassName === undefined || annotation === spec.ingressClassName ? []
    : [invalid('annotations.kubernetes.io/ingress.class', annotation, 'must match `ingressClassName` when both are specified')];
}

export function validateIngressStatus({ status }: Ingress): FieldError[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip: address, hostname }, index) => {
    const field = `status.loadBalancer.ingress[${index}]`;
    return [
      ...(address ? invalidEach(`${field}.ip`, address, ip(address)) : []),
      ...(hostname ? [...invalidEach(`${field}.hostname`, hostname, dnsSubdomain(hostname)), ...notAddress(`${field}.hostname`, hostname)] : []),
    ];
  });
}

function notAddress(field: string, host: string): FieldError[] {
  return ip(host).length === 0 ? [invalid(field, host, 'must be a DNS name, not an IP address')] : [];
}

const hostName = (host: string): string[] => (host.includes('*') ? wildcardSubdomain(host) : dnsSubdomain(host));

function validateRule({ host, ingressRuleValue }: IngressRule, field: string): FieldError[] {
  const errors = host ? [...notAddress(`${field}.host`, host), ...invalidEach(`${field}.host`, host, hostName(host))] : [];
  const http = ingressRuleValue?.http;
  if (!http) return errors;
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.push(required(`${field}.http.paths`));
  return [...errors, ...paths.flatMap((path, index) => validatePath(path, `${field}.http.paths[${index}]`))];
}

function validatePath({ path = '', pathType, backend = {} }: HTTPIngressPath, field: string): FieldError[] {
  if (pathType === undefined) return [required(`${field}.pathType`, 'pathType must be specified')];
  const errors: FieldError[] = [];
  const at = `${field}.path`;
  if (!pathTypes.includes(pathType)) errors.push(notSupported(`${field}.pathType`, pathType, pathTypes));
  else if (!path.startsWith('/') && (path !== '' || pathType !== 'ImplementationSpecific')) errors.push(invalid(at, path, 'must be an absolute path'));
  if (pathType === 'Exact' || pathType === 'Prefix') {
    errors.push(...badSequences.filter((bad) => path.includes(bad)).map((bad) => invalid(at, path, `must not contain '${bad}'`)));
    errors.push(...badEnds.filter((bad) => path.endsWith(bad)).map((bad) => invalid(at, path, `cannot end with '${bad}'`)));
  }
  return [...errors, ...validateBackend(backend, `${field}.backend`)];
}

function validateBackend({ resource, service }: IngressBackend, field: string): FieldError[] {
  if (resource && service) return [invalid(field, '', 'cannot set both resource and service backends')];
  if (resource) return validateTypedReference(resource, `${field}.resource`);
  return service ? validateServiceBackend(service, field) : [invalid(field, '', 'resource or service backend is required')];
}

function validateServiceBackend({ name, port = {} }: IngressServiceBackend, field: string): FieldError[] {
  const errors = name ? invalidEach(`${field}.service.name`, name, dns1035Label(name)) : [required(`${field}.service.name`)];
  if (port.name && port.number) errors.push(invalid(field, '', 'cannot set both port name & port number'));
  else if (port.name) errors.push(...invalidEach(`${field}.service.port.name`, port.name, portName(port.name)));
  else if (port.number) errors.push(...invalidEach(`${field}.service.port.number`, port.number, portNumber(port.number)));
  else errors.push(required(field, 'port name or number is required'));
  return errors;
}

function validateTls({ hosts = [], secretName }: IngressTLS, field: string): FieldError[] {
  return [
    ...hosts.flatMap((host, index) => invalidEach(`${field}.hosts[${index}]`, host, hostName(host))),
    ...(secretName ? invalidEach(`${field}.secretName`, secretName, dnsSubdomain(secretName)) : []),
  ];
}
