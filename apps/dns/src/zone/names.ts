import ipaddr from 'ipaddr.js';

/** What a name in the cluster's zone asks for (Kubernetes DNS-Based Service Discovery, 1.1.0). Labels in lower case. */
export type ZoneName =
  | { readonly type: 'apex' }
  /** `svc`, `pod`, `ns.svc` …: names that only hold others. `namespace` where it takes one to exist. */
  | { readonly type: 'inner'; readonly namespace?: string }
  | { readonly type: 'version' }
  | { readonly type: 'service'; readonly namespace: string; readonly service: string; /** As in `_http._tcp`. */ readonly port?: { readonly name: string; readonly protocol: string } }
  | { readonly type: 'endpoint'; readonly namespace: string; readonly service: string; readonly hostname: string }
  | { readonly type: 'pod'; readonly namespace: string; readonly address: string }
  | { readonly type: 'none' };

/** Takes apart the labels before the zone's own, the first as it stands in the name. */
export function parseZoneName(labels: readonly string[]): ZoneName {
  const lower = labels.map((label) => label.toLowerCase());
  const [kind, namespace, service, ...rest] = lower.reverse();
  if (kind === undefined) return { type: 'apex' };
  if (kind === 'dns-version' && namespace === undefined) return { type: 'version' };
  if (kind !== 'svc' && kind !== 'pod') return { type: 'none' };
  if (namespace === undefined) return { type: 'inner' };
  if (service === undefined) return { type: 'inner', namespace };
  if (kind === 'pod') {
    const address = rest.length === 0 ? dashedAddress(service) : undefined;
    return address === undefined ? { type: 'none' } : { type: 'pod', namespace, address };
  }
  const [first, second, tooMany] = rest;
  if (first === undefined) return { type: 'service', namespace, service };
  if (tooMany !== undefined) return { type: 'none' };
  if (second === undefined) return first === '_tcp' || first === '_udp' || first === '_sctp' ? { type: 'inner', namespace } : { type: 'endpoint', namespace, service, hostname: first };
  if (!first.startsWith('_') || !second.startsWith('_')) return { type: 'none' };
  return { type: 'service', namespace, service, port: { name: second.slice(1), protocol: first.slice(1).toUpperCase() } };
}

/** `10-244-0-5` or `fd00--1`, as an address in its usual form. */
function dashedAddress(label: string): string | undefined {
  const v4 = label.replaceAll('-', '.');
  if (ipaddr.IPv4.isValidFourPartDecimal(v4)) return v4;
  const v6 = label.replaceAll('-', ':');
  return ipaddr.IPv6.isValid(v6) ? ipaddr.IPv6.parse(v6).toString() : undefined;
}

/** The label of an endpoint without a hostname. */
export function dashed(address: string): string {
  return address.replaceAll(/[.:]/g, '-');
}

/** The address that a name below in-addr.arpa or ip6.arpa means (RFC 1035, 3.5; RFC 3596, 2.5); undefined where it is none, or only part of one. */
export function reverseAddress(name: string): string | undefined {
  const lower = name.toLowerCase();
  const v4 = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(lower)?.[1];
  if (v4 !== undefined) {
    const address = v4.slice(0, -1).split('.').reverse().join('.');
    return ipaddr.IPv4.isValidFourPartDecimal(address) ? address : undefined;
  }
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(lower)?.[1];
  if (v6 === undefined) return undefined;
  const digits = v6.replaceAll('.', '').split('').reverse().join('');
  return ipaddr.IPv6.parse(digits.match(/.{4}/g)?.join(':') ?? '').toString();
}
