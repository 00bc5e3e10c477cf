import { randomInt, type Clock, type Random } from '@navarch/base';

import { CycleState } from '../framework/cycle-state';
import type { Framework } from '../framework/framework';
import type { FilterPlugin, Rejection } from '../framework/plugin';
import type { NodeTable } from '../snapshot/node-table';
import type { PodInfo } from '../snapshot/pod-info';
import { refusedOutright, unavailableMessage, type Diagnosis } from './diagnosis';
import { EquivalenceClass } from './equivalence-class';
import { feasibleNodesWanted } from './sampling';

/** Milliseconds on the monotonic clock at which filtering began, scoring began, and the decision was there. */
export interface PlacementTimes {
  readonly filterMs: number;
  readonly scoreMs: number;
  readonly endMs: number;
}

export type Placement = { readonly times: PlacementTimes; readonly evaluated: number; readonly feasible: number } & (
  | { readonly outcome: 'placed'; readonly nodeName: string; readonly state: CycleState }
  | { readonly outcome: 'unschedulable'; readonly diagnosis: Diagnosis; readonly state: CycleState });

interface Prepared {
  readonly members: EquivalenceClass;
  readonly refusal?: { readonly plugin: string; readonly rejection: Rejection };
  /** The only nodes that come into question, and which plugin says so. */
  readonly only?: { readonly nodeNames: ReadonlySet<string>; readonly plugins: readonly string[] };
}

const maxClasses = 64;

/**
 * Decides where a pod goes: filter from where the last search stopped until enough nodes are feasible, score those,
 * take one of the best by lot. Pure over the table, the pod and the random source; changes nothing but its own memory.
 */
export class PlacementFinder {
  private readonly classes = new Map<string, Prepared>();
  private feasible = new Int32Array(0);
  private totals = new Int32Array(0);
  private scratch = new Int32Array(0);
  private next: number | undefined;

  constructor(private readonly nodes: NodeTable, private readonly clock: Clock, private readonly random: Random) {}

  find(framework: Framework, info: PodInfo, signature: string | undefined): Placement {
    const filterMs = this.clock.monotonic();
    const prepared = this.prepare(framework, info, signature);
    const { members } = prepared;
    members.fit(this.nodes.capacity);
    this.fit(this.nodes.nodeCount);
    const { count, evaluated } = prepared.refusal ? { count: 0, evaluated: 0 } : this.collect(framework, prepared, info);
    const scoreMs = this.clock.monotonic();
    const found = (times: PlacementTimes) => ({ times, evaluated, feasible: count, state: members.state });
    if (count === 0) {
      const diagnosis = this.diagnose(prepared, info);
      return { outcome: 'unschedulable', diagnosis, ...found({ filterMs, scoreMs, endMs: scoreMs }) };
    }
    const row = count === 1 ? (this.feasible[0] as number) : this.best(framework, members, info, count);
    return { outcome: 'placed', nodeName: this.nodes.names[row] as string, ...found({ filterMs, scoreMs, endMs: this.clock.monotonic() }) };
  }

  /** The class of the pod's signature, with PreFilter's answers; a pod without one gets a class of its own. */
  private prepare(framework: Framework, info: PodInfo, signature: string | undefined): Prepared {
    const known = signature === undefined ? undefined : this.classes.get(signature);
    if (known && signature !== undefined) {
      this.classes.delete(signature);
      this.classes.set(signature, known);
      return known;
    }
    const made = this.preFilter(framework, info);
    // A pod that names its nodes (a DaemonSet's) has few likes, and would push out classes that have many.
    if (signature !== undefined && !made.only) {
      const [oldest] = this.classes.keys();
      if (this.classes.size >= maxClasses && oldest !== undefined) this.classes.delete(oldest);
      this.classes.set(signature, made);
    }
    return made;
  }

  private preFilter(framework: Framework, info: PodInfo): Prepared {
    const members = new EquivalenceClass(new CycleState());
    const skipped = new Set<string>();
    const restrictions: { readonly plugin: string; readonly nodeNames: ReadonlySet<string> }[] = [];
    for (const plugin of framework.preFilter) {
      const answer = plugin.preFilter(members.state, info, this.nodes);
      if (answer === 'skip') skipped.add(plugin.name);
      else if (answer && 'code' in answer) return { members, refusal: { plugin: plugin.name, rejection: answer } };
      else if (answer) restrictions.push({ plugin: plugin.name, nodeNames: answer.nodeNames });
    }
    members.filters = framework.filter.filter(({ name }) => !skipped.has(name));
    const [first, ...others] = restrictions;
    if (!first) return { members };
    const nodeNames = new Set([...first.nodeNames].filter((name) => others.every((other) => other.nodeNames.has(name))));
    return { members, only: { nodeNames, plugins: restrictions.map(({ plugin }) => plugin) } };
  }

  private collect(framework: Framework, { members, only }: Prepared, info: PodInfo): { count: number; evaluated: number } {
    if (only) return this.collectNamed(members, info, only.nodeNames);
    const { order } = this.nodes;
    if (order.length === 0) return { count: 0, evaluated: 0 };
    const wanted = feasibleNodesWanted(order.length, framework.percentageOfNodesToScore);
    this.next ??= randomInt(this.random, order.length);
    let at = this.next % order.length;
    let count = 0;
    let evaluated = 0;
    while (evaluated < order.length && count < wanted) {
      const row = order[at] as number;
      if (members.isFeasible(info, this.nodes, row)) this.feasible[count++] = row;
      evaluated++;
      if (++at === order.length) at = 0;
    }
    this.next = at;
    return { count, evaluated };
  }

  private collectNamed(members: EquivalenceClass, info: PodInfo, nodeNames: ReadonlySet<string>): { count: number; evaluated: number } {
    let count = 0;
    let evaluated = 0;
    for (const name of nodeNames) {
      const row = this.nodes.rowOf(name);
      if (row === undefined || !this.nodes.nodes[row]) continue;
      evaluated++;
      if (members.isFeasible(info, this.nodes, row)) this.feasible[count++] = row;
    }
    return { count, evaluated };
  }

  private best(framework: Framework, members: EquivalenceClass, info: PodInfo, count: number): number {
    members.prepareScores(framework, info, this.nodes, this.feasible, count);
    for (let i = 0; i < count; i++) {
      const row = this.feasible[i] as number;
      members.scoreRow(info, this.nodes, row);
      this.totals[i] = members.plainScores[row] as number;
    }
    members.normalized.forEach(({ plugin, weight }, which) => {
      const raw = members.rawScores[which] as Int32Array;
      for (let i = 0; i < count; i++) this.scratch[i] = raw[this.feasible[i] as number] as number;
      plugin.normalize(this.scratch, count);
      for (let i = 0; i < count; i++) this.totals[i] = (this.totals[i] as number) + weight * (this.scratch[i] as number);
    });
    return this.feasible[pickHighest(this.totals, count, this.random)] as number;
  }

  /** Every row's reasons, unless nothing has changed since they were last gathered for a like pod. */
  private diagnose({ members, refusal, only }: Prepared, info: PodInfo): Diagnosis {
    if (members.diagnosis && members.diagnosedAt === this.nodes.version) return members.diagnosis;
    members.diagnosedAt = this.nodes.version;
    if (refusal) {
      const { plugin, rejection } = refusal;
      return (members.diagnosis = refusedOutright(this.nodes.nodeCount, plugin, rejection.reasons, rejection.code === 'pending'));
    }
    const nodesByReason = new Map<string, string[]>();
    const rejectedBy = new Set<string>(only?.plugins);
    for (const row of this.nodes.order) {
      const name = this.nodes.names[row] as string;
      if (only && !only.nodeNames.has(name)) {
        file(nodesByReason, `node(s) didn't satisfy plugin(s) [${only.plugins.join(' ')}]`, name);
        continue;
      }
      if (members.isFeasible(info, this.nodes, row)) continue;
      const plugin = members.filters[(members.verdicts[row] as number) - 1] as FilterPlugin;
      rejectedBy.add(plugin.name);
      for (const reason of plugin.explain(members.state, info, this.nodes, row)) file(nodesByReason, reason, name);
    }
    const { nodeCount } = this.nodes;
    // Nobody rejected a pod that had no node to be rejected on: any filter's events, new nodes first, can help it.
    if (rejectedBy.size === 0) for (const { name } of members.filters) rejectedBy.add(name);
    return (members.diagnosis = { message: unavailableMessage(nodeCount, nodesByReason), rejectedBy, pending: false, nodeCount, nodesByReason });
  }

  private fit(nodeCount: number): void {
    if (this.feasible.length >= nodeCount) return;
    this.feasible = new Int32Array(nodeCount);
    this.totals = new Int32Array(nodeCount);
    this.scratch = new Int32Array(nodeCount);
  }
}

function file(byReason: Map<string, string[]>, reason: string, nodeName: string): void {
  const names = byReason.get(reason);
  if (names) names.push(nodeName);
  else byReason.set(reason, [nodeName]);
}

/** The place of the highest score, one of them by lot where several share it; draws at most once. */
export function pickHighest(scores: Int32Array, count: number, random: Random): number {
  let highest = -Infinity;
  let ties = 0;
  for (let i = 0; i < count; i++) {
    const score = scores[i] as number;
    if (score > highest) {
      highest = score;
      ties = 1;
    } else if (score === highest) ties++;
  }
  let skip = ties > 1 ? randomInt(random, ties) : 0;
  for (let i = 0; i < count; i++) if (scores[i] === highest && skip-- === 0) return i;
  return 0;
}
