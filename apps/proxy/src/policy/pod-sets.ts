import { SharedElements } from '../nft/shared-elements';
import type { TableModel } from '../nft/table-model';
import { familyOf, type Family } from '../services/service-port';
import type { Labels, PodFacts, PodPeer } from './policy-facts';

const families = ['4', '6'] as const;

/** A set in the kernel that follows which pods match; one for all policies that ask for the same. */
interface PodSet {
  readonly name: string;
  users: number;
  /** The element of a pod's address; undefined where the pod is not in the set. */
  element(pod: PodFacts, address: string): string | undefined;
  readonly type: (family: Family) => string;
}

/** The pods of the cluster as sets of addresses: by selector, and by the name of a port. */
export class PodSets {
  private readonly pods = new Map<string, PodFacts>();
  private readonly namespaces = new Map<string, Labels>();
  private readonly sets = new Map<string, PodSet>();
  private readonly shared: SharedElements;
  private count = 0;

  constructor(private readonly model: TableModel) {
    this.shared = new SharedElements(model);
  }

  get(id: string): PodFacts | undefined {
    return this.pods.get(id);
  }

  /** Pods on this node, of one namespace where told. */
  *local(namespace?: string): Generator<[string, PodFacts]> {
    for (const entry of this.pods) if (entry[1].local && (namespace === undefined || entry[1].namespace === namespace)) yield entry;
  }

  setPod(id: string, pod: PodFacts | undefined): void {
    const before = this.pods.get(id);
    for (const set of this.sets.values()) this.exchange(this.elements(set, before), this.elements(set, pod));
    if (pod) this.pods.set(id, pod);
    else this.pods.delete(id);
  }

  setNamespace(name: string, labels: Labels | undefined): void {
    const members = [...this.pods.values()].filter(({ namespace }) => namespace === name);
    const before = [...this.sets.values()].map((set) => [set, members.map((pod) => this.elements(set, pod))] as const);
    if (labels) this.namespaces.set(name, labels);
    else this.namespaces.delete(name);
    for (const [set, old] of before) members.forEach((pod, at) => this.exchange(old[at] ?? [], this.elements(set, pod)));
  }

  /** The name of the set of pods that a peer means, without its family. Give it back with `release`. */
  peer({ key, matches }: PodPeer): string {
    return this.acquire(`peer ${key}`, {
      type: (family) => `type ipv${family}_addr;`,
      element: (pod, address) => (matches(pod.namespace, this.namespaces.get(pod.namespace), pod.labels) ? address : undefined),
    });
  }

  /** The name of the set of addresses and ports that are called so: `protocol name`. */
  port(name: string): string {
    const [protocol = 'tcp'] = name.split(' ');
    return this.acquire(`port ${name}`, {
      type: (family) => `type ipv${family}_addr . inet_proto . inet_service;`,
      element: ({ ports }, address) => (ports[name] === undefined ? undefined : `${address} . ${protocol} . ${ports[name]}`),
    });
  }

  release(name: string): void {
    const entry = [...this.sets].find(([, set]) => set.name === name);
    if (!entry) return;
    const [key, set] = entry;
    if (--set.users > 0) return;
    this.sets.delete(key);
    for (const pod of this.pods.values()) this.exchange(this.elements(set, pod), []);
    for (const family of families) this.model.removeSet(`${name}-${family}`);
  }

  private acquire(key: string, { type, element }: Pick<PodSet, 'type' | 'element'>): string {
    const known = this.sets.get(key);
    if (known) {
      known.users++;
      return known.name;
    }
    const set: PodSet = { name: `pods-${++this.count}`, users: 1, type, element };
    this.sets.set(key, set);
    for (const family of families) this.model.defineSet(`${set.name}-${family}`, { kind: 'set', type: type(family) });
    for (const pod of this.pods.values()) this.exchange([], this.elements(set, pod));
    return set.name;
  }

  private elements(set: PodSet, pod: PodFacts | undefined): [string, string][] {
    return (pod?.addresses ?? []).flatMap((address) => {
      const element = set.element(pod!, address);
      return element === undefined ? [] : [[`${set.name}-${familyOf(address)}`, element] as [string, string]];
    });
  }

  private exchange(before: readonly [string, string][], now: readonly [string, string][]): void {
    for (const [set, key] of now) this.shared.want(set, key);
    for (const [set, key] of before) this.shared.release(set, key);
  }
}
