import type { Endpoint, EndpointPort, EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource } from '../../define-resource';
import { countGeneration, startGeneration } from '../../meta/generation';
import type { FieldError } from '../../resource';
import { duplicate, forbidden, invalid, invalidEach, notSupported, oneOf, required, tooMany } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { ip } from '../../validation/ip';
import { dnsLabel, dnsSubdomain, labelValue, portNumber, qualifiedName } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { nonSpecialIp } from '../../validation/special-ip';
import { ageColumn, nameColumn } from '../columns';
import { firstFew } from '../first-few';

const meta = { namespaced: true, name: subdomainName };
const maxEndpoints = 1000;
const maxPorts = 20_000;
const maxAddresses = 100;
const maxZones = 8;
const addressTypes = ['FQDN', 'IPv4', 'IPv6'];

function setDefaults({ ports = [] }: EndpointSlice): void {
  for (const port of ports) {
    port.name ??= '';
    port.protocol ??= 'TCP';
  }
}

function validateAddress(address: string, type: string, field: string): FieldError[] {
  if (type === 'FQDN') return invalidEach(field, address, dnsSubdomain(address.replace(/\.$/, '')));
  const right = ip(address).length === 0 && address.includes(':') === (type === 'IPv6');
  return right ? nonSpecialIp(field, address) : [invalid(field, address, `must be a valid ${type} address`)];
}

function validateEndpoint({ addresses = [], nodeName, hostname, deprecatedTopology = {}, zone, hints }: Endpoint, type: string, field: string): FieldError[] {
  const zones = hints?.forZones ?? [];
  const nodes = hints?.forNodes ?? [];
  return [
    ...(addresses.length === 0 ? [required(`${field}.addresses`, 'must contain at least 1 address')] : []),
    ...(addresses.length > maxAddresses ? [tooMany(`${field}.addresses`, addresses.length, maxAddresses)] : []),
    ...(addressTypes.includes(type) ? addresses.flatMap((address, index) => validateAddress(address, type, `${field}.addresses[${index}]`)) : []),
    ...(nodeName === undefined ? [] : invalidEach(`${field}.nodeName`, nodeName, dnsSubdomain(nodeName))),
    ...(hostname === undefined ? [] : invalidEach(`${field}.hostname`, hostname, dnsLabel(hostname))),
    ...Object.entries(deprecatedTopology).flatMap(([key, value]) => [...invalidEach(`${field}.deprecatedTopology`, key, qualifiedName(key)), ...invalidEach(`${field}.deprecatedTopology`, value, labelValue(value))]),
    ...(zone === undefined ? [] : invalidEach(`${field}.zone`, zone, labelValue(zone))),
    ...(zones.length > maxZones ? [tooMany(`${field}.hints.forZones`, zones.length, maxZones)] : []),
    ...unique(zones.map(({ name = '' }) => name), `${field}.hints.forZones`),
    ...zones.flatMap(({ name = '' }, index) => (name === '' ? [required(`${field}.hints.forZones[${index}].name`)] : invalidEach(`${field}.hints.forZones[${index}].name`, name, labelValue(name)))),
    ...(nodes.length > maxZones ? [tooMany(`${field}.hints.forNodes`, nodes.length, maxZones)] : []),
    ...unique(nodes.map(({ name = '' }) => name), `${field}.hints.forNodes`),
    ...nodes.flatMap(({ name = '' }, index) => (name === '' ? [required(`${field}.hints.forNodes[${index}].name`)] : invalidEach(`${field}.hints.forNodes[${index}].name`, name, dnsSubdomain(name)))),
  ];
}

function unique(names: readonly string[], field: string): FieldError[] {
  return names.flatMap((name, index) => (name !== '' && names.indexOf(name) < index ? [duplicate(`${field}[${index}].name`, name)] : []));
}

function validatePorts(ports: readonly EndpointPort[]): FieldError[] {
  const errors = ports.length > maxPorts ? [tooMany('ports', ports.length, maxPorts)] : [];
  const names = new Set<string>();
  for (const [index, { name = '', protocol, port, appProtocol }] of ports.entries()) {
    const at = `ports[${index}]`;
    if (name !== '') errors.push(...invalidEach(`${at}.name`, name, dnsLabel(name)));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    errors.push(...oneOf(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']));
    if (port !== undefined) errors.push(...invalidEach(`${at}.port`, port, portNumber(port)));
    if (appProtocol !== undefined) errors.push(...invalidEach(`${at}.appProtocol`, appProtocol, qualifiedName(appProtocol)));
  }
  return errors;
}

function validate({ addressType = '', endpoints = [], ports = [] }: EndpointSlice): FieldError[] {
  const type = addressType === '' ? [required('addressType')] : addressTypes.includes(addressType) ? [] : [notSupported('addressType', addressType, addressTypes)];
  if (endpoints.length > maxEndpoints) return [...type, tooMany('endpoints', endpoints.length, maxEndpoints)];
  return [...type, ...endpoints.flatMap((endpoint, index) => validateEndpoint(endpoint, addressType, `endpoints[${index}]`)), ...validatePorts(ports)];
}

/** What the slice says, as opposed to what is said about it; its labels tell whose it is. */
function contentOf({ metadata, addressType, endpoints, ports }: EndpointSlice): unknown {
  return { addressType, endpoints, ports, labels: metadata?.labels };
}

function portsText({ ports }: EndpointSlice): string {
  return firstFew((ports ?? []).map(({ name, port }) => (port !== undefined ? String(port) : name || '*'))) || '<unset>';
}

function createErrors({ endpoints = [] }: EndpointSlice): FieldError[] {
  return endpoints.flatMap(({ deprecatedTopology }, index) => (deprecatedTopology?.['kubernetes.io/hostname'] !== undefined
    ? [forbidden(`endpoints[${index}].deprecatedTopology[kubernetes.io/hostname]`, 'may not be specified; use nodeName instead')] : []));
}

export const endpointSlices = defineResource<EndpointSlice>({
  group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice', plural: 'endpointslices', namespaced: true,
  codec: codecFor<EndpointSlice>('k8s.io.api.discovery.v1.EndpointSlice'),
  setDefaults,
  prepareForCreate: startGeneration,
  prepareForUpdate: (next, previous) => countGeneration(next, previous, !deepEqual(contentOf(next), contentOf(previous))),
  validateCreate: (slice) => [...validateMeta(slice, meta), ...validate(slice), ...createErrors(slice)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next), ...unchanged('addressType', next.addressType, previous.addressType)],
  columns: [
    nameColumn,
    { name: 'AddressType', type: 'string', description: 'What kind of addresses it holds.', value: ({ addressType }) => addressType ?? '' },
    { name: 'Ports', type: 'string', description: 'Ports of each endpoint.', value: portsText },
    { name: 'Endpoints', type: 'string', description: 'Their addresses.', value: ({ endpoints = [] }) => firstFew(endpoints.flatMap(({ addresses = [] }) => addresses)) || '<unset>' },
    ageColumn,
  ],
});
