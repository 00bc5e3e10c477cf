import { isHeadless } from '@navarch/api';
import type { ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import { isValid } from 'ipaddr.js';

import { canonicalAddress } from './address-range';

/** What a Service holds exclusively: addresses in canonical form, node ports as text; each once. */
export interface Claims {
  readonly addresses: readonly string[];
  readonly ports: readonly string[];
}

export const noClaims: Claims = { addresses: [], ports: [] };

export function claimsOf(spec: ServiceSpec | undefined): Claims {
  if (!spec) return noClaims;
  const { type, clusterIP, clusterIPs = clusterIP ? [clusterIP] : [], ports = [], healthCheckNodePort } = spec;
  const addresses = type === 'ExternalName' || isHeadless(spec) ? [] : clusterIPs.filter((address) => isValid(address)).map(canonicalAddress);
  const numbers = [...ports.map(({ nodePort }) => nodePort), healthCheckNodePort].flatMap((port) => (port ? [String(port)] : []));
  return { addresses: [...new Set(addresses)], ports: [...new Set(numbers)] };
}

/** What is in `all` and not in `kept`. */
export function without(all: Claims, kept: Claims): Claims {
  return { addresses: all.addresses.filter((one) => !kept.addresses.includes(one)), ports: all.ports.filter((one) => !kept.ports.includes(one)) };
}
