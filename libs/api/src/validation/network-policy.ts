import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '@navarch/proto/k8s/io/api/networking/v1/networking';
import { parseCIDR } from 'ipaddr.js';

import type { FieldError } from '../resource';
import { intOrStringValue } from '../scalars/int-or-string';
import { forbidden, invalid, invalidEach, notSupported, oneOfIfSet, required } from './field-error';
import { cidr } from './ip';
import { portName, portNumber } from './names';
import { validateLabelSelector } from './scheduling';

const policyTypes = ['Ingress', 'Egress'];

export function validatePolicySpec({ spec = {} }: NetworkPolicy): FieldError[] {
  const { podSelector, ingress = [], egress = [], policyTypes: types = [] } = spec;
  const errors = [
    ...validateLabelSelector(podSelector, 'spec.podSelector'),
    ...ingress.flatMap(({ ports, from }, index) => validateRule(`spec.ingress[${index}]`, ports, 'from', from)),
    ...egress.flatMap(({ ports, to }, index) => validateRule(`spec.egress[${index}]`, ports, 'to', to)),
  ];
  if (types.length > policyTypes.length) return [...errors, invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')];
  return [...errors, ...types.flatMap((type, index) => (policyTypes.includes(type) ? [] : [notSupported(`spec.policyTypes[${index}]`, type, policyTypes)]))];
}

function validateRule(field: string, ports: readonly NetworkPolicyPort[] = [], side: 'from' | 'to', peers: readonly NetworkPolicyPeer[] = []): FieldError[] {
  return [
    ...ports.flatMap((port, index) => validatePort(port, `${field}.ports[${index}]`)),
    ...peers.flatMap((peer, index) => validatePeer(peer, `${field}.${side}[${index}]`)),
  ];
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, field: string): FieldError[] {
  const errors = oneOfIfSet(`${field}.protocol`, protocol, ['TCP', 'UDP', 'SCTP']);
  const end = `${field}.endPort`;
  if (port === undefined) return endPort === undefined ? errors : [...errors, invalid(end, endPort, 'may not be specified when `port` is not specified')];
  const value = intOrStringValue(port);
  if (typeof value === 'string') {
    if (endPort !== undefined) errors.push(invalid(end, endPort, 'may not be specified when `port` is non-numeric'));
    return [...errors, ...invalidEach(`${field}.port`, value, portName(value))];
  }
  errors.push(...invalidEach(`${field}.port`, value, portNumber(value)));
  if (endPort === undefined) return errors;
  if (endPort < value) errors.push(invalid(end, endPort, 'must be greater than or equal to `port`'));
  return [...errors, ...invalidEach(end, endPort, portNumber(endPort))];
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, field: string): FieldError[] {
  if (!podSelector && !namespaceSelector && !ipBlock) return [required(field, 'must specify a peer')];
  return [
    ...(podSelector ? validateLabelSelector(podSelector, `${field}.podSelector`) : []),
    ...(namespaceSelector ? validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`) : []),
    ...(ipBlock ? validateBlock(ipBlock, `${field}.ipBlock`) : []),
    ...(ipBlock && (podSelector || namespaceSelector) ? [forbidden(field, 'may not specify both ipBlock and another peer')] : []),
  ];
}

function validateBlock({ cidr: block = '', except = [] }: IPBlock, field: string): FieldError[] {
  if (block === '') return [required(`${field}.cidr`)];
  const complaints = cidr(block);
  if (complaints.length > 0) return invalidEach(`${field}.cidr`, block, complaints);
  return except.flatMap((value, index) => {
    const at = `${field}.except[${index}]`;
    const wrong = cidr(value);
    if (wrong.length > 0) return invalidEach(at, value, wrong);
    return isStrictSubset(value, block) ? [] : [invalid(at, value, 'must be a strict subset of `cidr`')];
  });
}

function isStrictSubset(inner: string, outer: string): boolean {
  const [innerAddress, innerBits] = parseCIDR(inner);
  const [outerAddress, outerBits] = parseCIDR(outer);
  return innerAddress.kind() === outerAddress.kind() && innerBits > outerBits && innerAddress.match(outerAddress, outerBits);
}
