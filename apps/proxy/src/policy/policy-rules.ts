/**
 * The policies table: who may talk to this node's pods, and to whom they may talk. A packet's addresses are looked up in two maps; a pod that any policy
 * isolates leads to a chain, which is the same for all pods with the same policies and lets pass what one of them allows. Selectors are sets that
 * follow the cluster's pods, so a pod that comes or goes costs a few elements.
 *
 * Only forwarded packets are looked at: what the node itself says to its pods (probes) and what they say to it always passes, as Kubernetes has it.
 */
import { TableModel, type ChainDefinition } from '../nft/table-model';
import { familyOf, type Family } from '../services/service-port';
import { rangesOf, rangeText } from './address-ranges';
import { PodSets } from './pod-sets';
import type { Clause, Direction, Labels, PodFacts, PolicyFacts } from './policy-facts';

const families = ['4', '6'] as const;
const directions = ['egress', 'ingress'] as const;

interface Policy {
  readonly facts: PolicyFacts;
  readonly rules: Readonly<Record<Direction, readonly string[]>>;
  /** Names of the pod sets in use. */
  readonly sets: readonly string[];
}

/** Pods that the same policies isolate in one direction share a chain. */
interface IsolationClass {
  readonly chain: string;
  readonly policies: readonly string[];
  pods: number;
}

export class PolicyRules {
  readonly model = new TableModel();
  private readonly pods = new PodSets(this.model);
  private readonly policies = new Map<string, Policy>();
  private readonly classes = new Map<string, IsolationClass>();
  /** Of each isolated pod and direction its class. */
  private readonly isolated = new Map<string, string>();
  /** Whose an element of the maps is: an address may have gone to the next pod before its last one is forgotten. */
  private readonly holders = new Map<string, string>();
  private count = 0;

  constructor() {
    for (const family of families) {
      this.model.defineSet(`selves${family}`, { kind: 'set', type: `type ipv${family}_addr . ipv${family}_addr;` });
      for (const direction of directions) this.model.defineSet(`${direction}${family}`, { kind: 'map', type: `type ipv${family}_addr : verdict;` });
    }
    this.model.defineChain('forward', forwardChain());
  }

  get size(): number {
    return this.policies.size;
  }

  setPod(id: string, pod: PodFacts | undefined): void {
    const before = this.pods.get(id);
    if (JSON.stringify(before) === JSON.stringify(pod)) return;
    this.pods.setPod(id, pod);
    if (before?.local) this.detach(id, before);
    if (pod?.local) this.attach(id, pod);
  }

  setNamespace(name: string, labels: Labels | undefined): void {
    this.pods.setNamespace(name, labels);
  }

  setPolicy(id: string, facts: PolicyFacts | undefined): void {
    const before = this.policies.get(id);
    if (!before && !facts) return;
    const touched = [...this.pods.local((facts ?? before?.facts)?.namespace)];
    for (const [pod, podFacts] of touched) this.detach(pod, podFacts);
    if (facts) this.policies.set(id, this.compile(facts));
    else this.policies.delete(id);
    for (const [pod, podFacts] of touched) this.attach(pod, podFacts);
    for (const name of before?.sets ?? []) this.pods.release(name);
  }

  /** Lets the policies that select a pod of this node count for it. */
  private attach(id: string, pod: PodFacts): void {
    for (const direction of directions) {
      const policies = [...this.policies].filter(([, { facts }]) => facts[direction] && facts.namespace === pod.namespace && facts.selects(pod.labels)).map(([policy]) => policy).sort();
      if (policies.length === 0) continue;
      const key = `${direction} ${policies.join(' ')}`;
      const shared = this.classes.get(key) ?? { chain: `${direction}-${++this.count}`, policies, pods: 0 };
      shared.pods++;
      this.classes.set(key, shared);
      this.isolated.set(`${direction} ${id}`, key);
      this.model.defineChain(shared.chain, { rules: [...policies.flatMap((policy) => this.policies.get(policy)?.rules[direction] ?? []), 'drop'] });
      for (const address of pod.addresses) this.hold(id, `${direction}${familyOf(address)}`, address, `jump ${shared.chain}`);
    }
    for (const address of pod.addresses) this.hold(id, `selves${familyOf(address)}`, `${address} . ${address}`, '');
  }

  private detach(id: string, pod: PodFacts): void {
    for (const direction of directions) {
      const key = this.isolated.get(`${direction} ${id}`);
      const shared = key === undefined ? undefined : this.classes.get(key);
      if (key === undefined || !shared) continue;
      this.isolated.delete(`${direction} ${id}`);
      for (const address of pod.addresses) this.letGo(id, `${direction}${familyOf(address)}`, address);
      if (--shared.pods > 0) continue;
      this.classes.delete(key);
      this.model.removeChain(shared.chain);
    }
    for (const address of pod.addresses) this.letGo(id, `selves${familyOf(address)}`, `${address} . ${address}`);
  }

  private hold(id: string, set: string, key: string, value: string): void {
    this.holders.set(`${set} ${key}`, id);
    this.model.put(set, key, value);
  }

  private letGo(id: string, set: string, key: string): void {
    if (this.holders.get(`${set} ${key}`) !== id) return;
    this.holders.delete(`${set} ${key}`);
    this.model.remove(set, key);
  }

  private compile(facts: PolicyFacts): Policy {
    const sets: string[] = [];
    const noted = (name: string): string => {
      sets.push(name);
      return name;
    };
    const rules = (direction: Direction): string[] => (facts[direction] ?? []).flatMap((clause) => {
      const peers = clause.peers?.pods.map((peer) => noted(this.pods.peer(peer)));
      const ports = clause.ports?.names.map((name) => noted(this.pods.port(name)));
      return families.flatMap((family) => clauseRules(clause, direction, family, peers, ports));
    });
    return { facts, rules: { ingress: rules('ingress'), egress: rules('egress') }, sets };
  }
}

/** One rule per pair of peers and ports; whoever matches one returns to `forward`, where the other direction has its say. */
function clauseRules(clause: Clause, direction: Direction, family: Family, peerSets: readonly string[] | undefined, portSets: readonly string[] | undefined): string[] {
  const ip = family === '4' ? 'ip' : 'ip6';
  const peer = `${ip} ${direction === 'ingress' ? 'saddr' : 'daddr'}`;
  const blocks = rangesOf(clause.peers?.blocks ?? [], family).map((range) => rangeText(range, family));
  const peers = peerSets === undefined
    ? [`meta nfproto ${family === '4' ? 'ipv4' : 'ipv6'}`]
    : [...peerSets.map((name) => `${peer} @${name}-${family}`), ...(blocks.length > 0 ? [`${peer} { ${blocks.join(', ')} }`] : [])];
  const ports = clause.ports === undefined ? [''] : [
    ...clause.ports.numbers.map(({ protocol, ranges }) => (ranges ? `${protocol} dport { ${ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(', ')} }` : `meta l4proto ${protocol}`)),
    ...(portSets ?? []).map((name) => `${ip} daddr . meta l4proto . th dport @${name}-${family}`),
  ];
  return peers.flatMap((who) => ports.map((what) => `${who} ${what} return`.replace('  ', ' ')));
}

function forwardChain(): ChainDefinition {
  return {
    hook: 'type filter hook forward priority 0;',
    rules: [
      'ct state established,related accept',
      // Between pods on one bridge neighbours are asked for by packets that pass here as well.
      'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept',
      'ip saddr . ip daddr @selves4 accept', 'ip6 saddr . ip6 daddr @selves6 accept',
      'ip saddr vmap @egress4', 'ip6 saddr vmap @egress6', 'ip daddr vmap @ingress4', 'ip6 daddr vmap @ingress6',
    ],
  };
}
