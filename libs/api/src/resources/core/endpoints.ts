import type { EndpointAddress, Endpoints, EndpointSubset } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { invalidEach, oneOf, required } from '../../validation/field-error';
import { dnsLabel, dnsSubdomain, portNumber, qualifiedName } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { nonSpecialIp } from '../../validation/special-ip';
import { ageColumn, nameColumn } from '../columns';
import { firstFew } from '../first-few';

const meta = { namespaced: true, name: subdomainName };

function setDefaults({ subsets = [] }: Endpoints): void {
  for (const { ports = [] } of subsets) for (const port of ports) port.protocol ??= 'TCP';
}

function validateAddress({ ip = '', hostname, nodeName }: EndpointAddress, field: string): FieldError[] {
  return [
    ...nonSpecialIp(`${field}.ip`, ip),
    ...(hostname ? invalidEach(`${field}.hostname`, hostname, dnsLabel(hostname)) : []),
    ...(nodeName === undefined ? [] : invalidEach(`${field}.nodeName`, nodeName, dnsSubdomain(nodeName))),
  ];
}

function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, field: string): FieldError[] {
  return [
    ...(addresses.length + notReadyAddresses.length === 0 ? [required(field, 'must specify `addresses` or `notReadyAddresses`')] : []),
    ...addresses.flatMap((address, index) => validateAddress(address, `${field}.addresses[${index}]`)),
    ...notReadyAddresses.flatMap((address, index) => validateAddress(address, `${field}.notReadyAddresses[${index}]`)),
    ...ports.flatMap(({ name = '', port = 0, protocol, appProtocol }, index) => {
      const at = `${field}.ports[${index}]`;
      return [
        ...(name !== '' ? invalidEach(`${at}.name`, name, dnsLabel(name)) : ports.length > 1 ? [required(`${at}.name`)] : []),
        ...invalidEach(`${at}.port`, port, portNumber(port)),
        ...oneOf(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']),
        ...(appProtocol === undefined ? [] : invalidEach(`${at}.appProtocol`, appProtocol, qualifiedName(appProtocol))),
      ];
    }),
  ];
}

const validate = ({ subsets = [] }: Endpoints): FieldError[] => subsets.flatMap((subset, index) => validateSubset(subset, `subsets[${index}]`));

function endpointsText({ subsets = [] }: Endpoints): string {
  return firstFew(subsets.flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map(({ ip = '' }) => ip);
    return ports.flatMap(({ port = 0 }) => addresses.map(({ ip = '' }) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`));
  })) || '<none>';
}

export const endpoints = defineResource<Endpoints>({
  group: '', version: 'v1', kind: 'Endpoints', plural: 'endpoints', shortNames: ['ep'], namespaced: true,
  codec: codecFor<Endpoints>('k8s.io.api.core.v1.Endpoints'),
  setDefaults,
  validateCreate: (one) => [...validateMeta(one, meta), ...validate(one)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next)],
  columns: [nameColumn, { name: 'Endpoints', type: 'string', description: 'Addresses and ports behind the service.', value: endpointsText }, ageColumn],
});
