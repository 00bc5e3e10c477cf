import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { SharedElements } from '../nft/shared-elements';
import { TableModel } from '../nft/table-model';
import { choiceChains, families, fixedChains, fixedSets, stickyDefinition } from './chains';
import type { NodePlace } from './endpoints';
import { renderService, stickySet, type Element, type Rendered } from './render';
import { servicePorts, type Frontend } from './service-port';

/** What the rules need to know of the node they are for. */
export interface NodeFacts extends NodePlace {
  /** Node ports answer at these. */
  readonly addresses: readonly string[];
  /** Ranges of this node's pods, as CIDR. */
  readonly podRanges: readonly string[];
}

interface Known extends Rendered {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  readonly frontends: readonly Frontend[];
}

/** Rules for counts that nobody has any more stay until so many have gathered. */
const maxIdleCounts = 32;

/**
 * The services table as a function of Services, EndpointSlices and the node, kept up incrementally: a change costs what the changed Service has,
 * not how many Services there are.
 */
export class ServiceRules {
  readonly model = new TableModel();
  private readonly known = new Map<string, Known>();
  /** Services by the frontends they claim; the first one has it. */
  private readonly claims = new Map<string, string[]>();
  private readonly shared = new SharedElements(this.model);
  private readonly counts = new Map<string, number>();
  private readonly affinities = new Map<number, number>();
  private readonly ruledCounts = new Set<string>();
  private readonly ruledAffinities = new Set<number>();

  constructor(private node: NodeFacts) {
    for (const [name, definition] of fixedSets()) this.model.defineSet(name, definition);
    this.defineChoices();
    for (const [name, chain] of fixedChains()) this.model.defineChain(name, chain);
    this.putPodRanges(node);
  }

  /** Takes in a Service with its slices as they are now; without a Service it is gone. */
  setService(id: string, service: Service | undefined, slices: readonly EndpointSlice[]): void {
    const before = this.known.get(id);
    const ports = service ? servicePorts(service, this.node.addresses) : [];
    const frontends = ports.flatMap((port) => port.frontends);
    const { lost, won } = this.claim(id, service, before?.frontends ?? [], frontends);
    // Whoever loses a frontend lets go of it first.
    for (const other of lost) this.renderAgain(other);
    if (!service || ports.length === 0) this.replace(id, before, undefined);
    else this.replace(id, before, { service, slices, frontends, ...renderService(ports, slices, this.node, ({ key }) => this.owner(key) === id) });
    for (const other of won) this.renderAgain(other);
    this.followUse();
  }

  /** Another zone, address or range of this node concerns every Service. */
  setNode(node: NodeFacts): void {
    for (const range of this.node.podRanges) this.model.remove(`pods${range.includes(':') ? '6' : '4'}`, range);
    this.node = node;
    this.putPodRanges(node);
    for (const [id, { service, slices }] of [...this.known]) this.setService(id, service, slices);
  }

  /** The endpoints at which flows of this UDP frontend may be; undefined where it is none of ours. */
  endpointsOfFlow(frontend: string): ReadonlySet<string> | undefined {
    const id = this.owner(frontend);
    return id === undefined ? undefined : this.known.get(id)?.flows.get(frontend);
  }

  /** Whether this Service has a UDP port. */
  hasFlows(id: string): boolean {
    return (this.known.get(id)?.flows.size ?? 0) > 0;
  }

  /** How many endpoints of a Service are ready on this node. */
  localEndpoints(id: string): number {
    return this.known.get(id)?.localEndpoints ?? 0;
  }

  /** Services that have something in the kernel. */
  get size(): number {
    return this.known.size;
  }

  /** Frontends that this Service claims and another one has: they were there first. */
  lostFrontends(id: string): { frontend: Frontend; owner: string }[] {
    return (this.known.get(id)?.frontends ?? []).flatMap((frontend) => {
      const owner = this.owner(frontend.key);
      return owner === undefined || owner === id ? [] : [{ frontend, owner }];
    });
  }

  private owner(frontend: string): string | undefined {
    return this.claims.get(frontend)?.[0];
  }

  /** Notes the claims of a Service; answers those others who thereby win or lose a frontend. */
  private claim(id: string, service: Service | undefined, before: readonly Frontend[], now: readonly Frontend[]): { lost: Set<string>; won: Set<string> } {
    const [lost, won] = [new Set<string>(), new Set<string>()];
    const owners = new Map([...before, ...now].map(({ key }) => [key, this.owner(key)]));
    for (const { key } of before) {
      const rest = (this.claims.get(key) ?? []).filter((other) => other !== id);
      if (rest.length > 0) this.claims.set(key, rest);
      else this.claims.delete(key);
    }
    for (const { key } of now) {
      const others = this.claims.get(key);
      if (!others) this.claims.set(key, [id]);
      else this.claims.set(key, [...others, id].sort((left, right) => this.compareAge(left, right, id, service)));
    }
    for (const [key, owner] of owners) {
      const next = this.owner(key);
      if (next === owner) continue;
      if (owner !== undefined && owner !== id) lost.add(owner);
      if (next !== undefined && next !== id) won.add(next);
    }
    return { lost, won };
  }

  private compareAge(left: string, right: string, id: string, service: Service | undefined): number {
    const born = (one: string): number => Number((one === id ? service : this.known.get(one)?.service)?.metadata?.creationTimestamp?.seconds ?? 0);
    return born(left) - born(right) || (left < right ? -1 : 1);
  }

  private renderAgain(id: string): void {
    const known = this.known.get(id);
    if (!known) return;
    const ports = servicePorts(known.service, this.node.addresses);
    this.replace(id, known, { ...known, ...renderService(ports, known.slices, this.node, ({ key }) => this.owner(key) === id) });
  }

  private replace(id: string, before: Known | undefined, now: Known | undefined): void {
    for (const seconds of now?.affinities ?? []) this.useAffinity(seconds, 1);
    for (const seconds of before?.affinities ?? []) this.useAffinity(seconds, -1);
    this.replaceElements(before?.elements ?? [], now?.elements ?? []);
    for (const { set, key } of now?.shared ?? []) this.shared.want(set, key);
    for (const { set, key } of before?.shared ?? []) this.shared.release(set, key);
    for (const key of now?.counts ?? []) addTo(this.counts, key, 1);
    for (const key of before?.counts ?? []) addTo(this.counts, key, -1);
    if (now) this.known.set(id, now);
    else this.known.delete(id);
  }

  private replaceElements(before: readonly Element[], now: readonly Element[]): void {
    const kept = new Set(now.map(({ set, key }) => `${set} ${key}`));
    for (const { set, key } of before) if (!kept.has(`${set} ${key}`)) this.model.remove(set, key);
    for (const { set, key, value } of now) this.model.put(set, key, value);
  }

  private useAffinity(seconds: number, by: number): void {
    if (addTo(this.affinities, seconds, by) > 0) for (const family of families) this.model.defineSet(stickySet(family, seconds), stickyDefinition(family));
  }

  /** Brings the rules that depend on counts and affinity times in line with what is in use. */
  private followUse(): void {
    const missing = [...this.counts.keys()].some((key) => !this.ruledCounts.has(key)) || [...this.affinities.keys()].some((key) => !this.ruledAffinities.has(key));
    const idle = this.ruledCounts.size - this.counts.size > maxIdleCounts || this.ruledAffinities.size > this.affinities.size;
    if (missing || idle) this.defineChoices(idle);
  }

  private defineChoices(forget = false): void {
    const unused = [...this.ruledAffinities].filter((seconds) => !this.affinities.has(seconds));
    if (forget) {
      this.ruledCounts.clear();
      this.ruledAffinities.clear();
    }
    for (const key of this.counts.keys()) this.ruledCounts.add(key);
    for (const seconds of this.affinities.keys()) this.ruledAffinities.add(seconds);
    for (const [name, chain] of choiceChains(this.ruledCounts, [...this.ruledAffinities].sort((left, right) => left - right))) this.model.defineChain(name, chain);
    if (forget) for (const seconds of unused) for (const family of families) this.model.removeSet(stickySet(family, seconds));
  }

  private putPodRanges({ podRanges }: NodeFacts): void {
    for (const range of podRanges) this.model.put(`pods${range.includes(':') ? '6' : '4'}`, range);
  }
}

/** Counts up or down; a count of nothing is forgotten. Answers what is left. */
function addTo<K>(counts: Map<K, number>, key: K, by: number): number {
  const left = (counts.get(key) ?? 0) + by;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
  return left;
}
