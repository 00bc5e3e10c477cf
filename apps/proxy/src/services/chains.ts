/**
 * The services table: what a packet meets. Few large maps, which hold elements of all Services, and a fixed handful of rules. A new connection looks its
 * destination up, draws a number below the count of endpoints, and finds its endpoint under both:
 *
 *     dnat ip to ip daddr . tcp dport . numgen random mod 5 offset 10 map @endpoints-any4-tcp
 *
 * There is one such rule per count of endpoints in use; a destination with another count is not in the map under these numbers and goes on to the next
 * rule. No element is a verdict that leads to a chain, because then the kernel would check the whole map again at every change.
 */
import type { ChainDefinition, SetDefinition } from '../nft/table-model';
import { countKey, firstIndex, mapName, stickySet, type View } from './render';
import type { Family } from './service-port';

export const families = ['4', '6'] as const;
export const views = ['any', 'own'] as const;

interface Words {
  /** `ip` or `ip6`. */
  readonly ip: string;
  /** Where a packet is going as it stands. */
  readonly to: string;
  /** Where it was going before translation. nft 1.0 knows ports of a connection only once the protocol is fixed, hence a rule for each. */
  readonly wasTo: string;
  /** What a client's endpoint is remembered by, in words of `to` or `wasTo`. */
  client(to: string): string;
  readonly clientType: string;
}

const protocols = ['tcp', 'udp', 'sctp'] as const;

/** nft 1.0 can add to a map only under keys of 16 bytes: two hashes stand for two IPv6 addresses and a port; that two clients share both has a chance of 2^-62. */
const hashes = (expression: string): string => [1, 2].map((seed) => `jhash ${expression} mod 2147483647 seed ${seed}`).join(' . ');
/** A 32-bit number, in a place where nft wants an example of one. */
const number = 'numgen random mod 2';

const words: Readonly<Record<Family, Words>> = {
  4: {
    ip: 'ip', to: 'ip daddr . meta l4proto . th dport', wasTo: 'ct original ip daddr . meta l4proto . ct original proto-dst',
    client: (to) => `ip saddr . ${to}`, clientType: 'ip saddr . ip daddr . meta l4proto . th dport',
  },
  6: {
    ip: 'ip6', to: 'ip6 daddr . meta l4proto . th dport', wasTo: 'ct original ip6 daddr . meta l4proto . ct original proto-dst',
    client: (to) => hashes(`ip6 saddr . ${to}`), clientType: `${number} . ${number}`,
  },
};

/** Most clients with affinity that one node remembers. */
const maxRemembered = 262_144;

const frontendSets = ['externals', 'outer', 'masqueraded', 'refused', 'dropped', 'outerdropped', 'guarded'];

/** Sets and maps that are always there. */
export function fixedSets(): [string, SetDefinition][] {
  return families.flatMap((family) => {
    const { ip, to, clientType } = words[family];
    const set = (name: string, type: string): [string, SetDefinition] => [`${name}${family}`, { kind: 'set', type: `${type};` }];
    const map = (name: string, type: string): [string, SetDefinition] => [`${name}${family}`, { kind: 'map', type: `${type};` }];
    return [
      set('pods', `type ipv${family}_addr; flags interval`),
      set('clusterips', `type ipv${family}_addr`),
      set('hairpin', `type ipv${family}_addr . ipv${family}_addr`),
      ...frontendSets.map((name) => set(name, `type ipv${family}_addr . inet_proto . inet_service`)),
      set('allowed', `type ipv${family}_addr . inet_proto . inet_service . ipv${family}_addr; flags interval`),
      ...views.flatMap((view) => [
        map(`picks-${view}`, `typeof ${to} . ${number} : meta mark`),
        ...protocols.flatMap((protocol): [string, SetDefinition][] => {
          const name = mapName(view, family, protocol);
          const [key, target] = [`${ip} daddr . ${protocol} dport`, `${ip} daddr . ${protocol} dport`];
          return [
            [`endpoints-${name}`, { kind: 'map', type: `typeof ${key} . ${number} : ${target};` }],
            [`slots-${name}`, { kind: 'map', type: `typeof ${key} . meta mark : ${target};` }],
          ];
        }),
      ]),
      [`remembered${family}`, { kind: 'map', type: `typeof ${clientType} : meta mark; flags dynamic,timeout; size ${maxRemembered};`, learned: true }],
    ];
  });
}

export function stickyDefinition(family: Family): SetDefinition {
  return { kind: 'set', type: `type ipv${family}_addr . inet_proto . inet_service;` };
}

/** Chains whose rules never change. Priority -100 is where destinations are translated, 100 where sources are. */
export function fixedChains(): [string, ChainDefinition][] {
  const both = (rules: (family: Family, text: Words) => string[]): string[] => families.flatMap((family) => rules(family, words[family]));
  return [
    ['guard', { hook: 'type filter hook prerouting priority -110;', rules: both((family, { ip, to }) =>
      [`ct state new ${to} @guarded${family} ${to} . ${ip} saddr != @allowed${family} drop`]) }],
    ['translate-passing', { hook: 'type nat hook prerouting priority -100;', rules: ['goto translate'] }],
    ['translate-own', { hook: 'type nat hook output priority -100;', rules: ['goto translate'] }],
    ['translate', { rules: both((family, { ip, to }) => [
      `${ip} daddr @clusterips${family} goto choose-any${family}`,
      `${to} @outer${family} fib saddr type != local ${ip} saddr != @pods${family} goto choose-own${family}`,
      `${to} @externals${family} goto choose-any${family}`,
    ]) }],
    ['after-passing', { hook: 'type filter hook prerouting priority -99;', rules: ['goto after'] }],
    ['after-own', { hook: 'type filter hook output priority -99;', rules: ['goto after'] }],
    ['after', { rules: [
      'ct state new ct status dnat jump remember',
      ...both((family, { ip, to }) => [
        `ct state new ${to} @dropped${family} drop`,
        `ct state new ${to} @outerdropped${family} fib saddr type != local ${ip} saddr != @pods${family} drop`,
        // A packet out of order must not cost a healthy connection its life.
        `${ip} daddr @clusterips${family} ct state invalid drop`,
        `${ip} daddr @clusterips${family} goto refuse`,
        `ct state new ${to} @refused${family} goto refuse`,
      ]),
    ] }],
    ['refuse', { rules: ['meta l4proto tcp reject with tcp reset', 'reject with icmpx port-unreachable'] }],
    ['translate-source', { hook: 'type nat hook postrouting priority 100;', rules: ['ct status dnat goto hide'] }],
    // An answer must come back through whoever translated: the client's own node, where the client may be its own endpoint, or the node that was asked from outside.
    ['hide', { rules: both((family, { ip, wasTo }) => [
      `${ip} saddr . ${ip} daddr @hairpin${family} masquerade fully-random`,
      `ct original ${ip} daddr @clusterips${family} ${ip} saddr != @pods${family} masquerade fully-random`,
      ...protocols.flatMap((protocol) => [
        `meta l4proto ${protocol} ${wasTo} @masqueraded${family} masquerade fully-random`,
        `meta l4proto ${protocol} ${wasTo} @outer${family} fib saddr type local masquerade fully-random`,
      ]),
    ]) }],
  ];
}

/** Chains that follow which counts of endpoints and which affinity times are in use. */
export function choiceChains(counts: ReadonlySet<string>, affinities: readonly number[]): [string, ChainDefinition][] {
  return [
    ...families.flatMap((family) => views.flatMap((view) => {
      const used: Used = protocols.map((protocol) => {
        const prefix = countKey(mapName(view, family, protocol), 0).slice(0, -1);
        return { protocol, counts: [...counts].filter((key) => key.startsWith(prefix)).map((key) => Number(key.slice(prefix.length))).sort((left, right) => left - right) };
      });
      return [chooseChain(family, view, used, affinities), stickyChain(family, view, used)];
    })),
    ['remember', { rules: families.flatMap((family) => affinities.flatMap((seconds) => protocols.map((protocol) => rememberRule(family, seconds, protocol)))) }],
  ];
}

const draw = (count: number): string => `numgen random mod ${count} offset ${firstIndex(count)}`;

/** Counts in use by protocol: nft 1.0 lets a rule translate to a port out of a map only where the map is of one protocol. */
type Used = readonly { readonly protocol: (typeof protocols)[number]; readonly counts: readonly number[] }[];

function chooseChain(family: Family, view: View, used: Used, affinities: readonly number[]): [string, ChainDefinition] {
  const { ip, to } = words[family];
  return [`choose-${view}${family}`, { rules: [
    ...affinities.map((seconds) => `${to} @${stickySet(family, seconds)} goto stay-${view}${family}`),
    ...used.flatMap(({ protocol, counts }) => counts.map((count) =>
      `dnat ${ip} to ${ip} daddr . ${protocol} dport . ${draw(count)} map @endpoints-${mapName(view, family, protocol)}`)),
  ] }];
}

/** The packet's mark carries the slot from here to `remember`, within one hook; a slot whose endpoint is gone finds nothing and another is drawn. */
function stickyChain(family: Family, view: View, used: Used): [string, ChainDefinition] {
  const { ip, to, client } = words[family];
  const go = used.filter(({ counts }) => counts.length > 0).map(({ protocol }) => `dnat ${ip} to ${ip} daddr . ${protocol} dport . meta mark map @slots-${mapName(view, family, protocol)}`);
  const counts = [...new Set(used.flatMap((one) => one.counts))].sort((left, right) => left - right);
  return [`stay-${view}${family}`, { rules: [
    `meta mark set ${client(to)} map @remembered${family}`, ...go,
    ...counts.map((count) => `meta mark set ${to} . ${draw(count)} map @picks-${view}${family}`), ...go,
  ] }];
}

function rememberRule(family: Family, seconds: number, protocol: string): string {
  const { wasTo, client } = words[family];
  return `meta l4proto ${protocol} ${wasTo} @${stickySet(family, seconds)} update @remembered${family} { ${client(wasTo)} timeout ${seconds}s : meta mark } meta mark set 0`;
}

