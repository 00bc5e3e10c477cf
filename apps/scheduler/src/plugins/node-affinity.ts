import { matchesNodeOf, matchesNodeSelector } from '@navarch/api';
import type { Node, NodeAffinity as Affinity, NodeSelectorTerm, PreferredSchedulingTerm } from '@navarch/proto/k8s/io/api/core/v1/core';

import { Action, type ClusterEvent, type EventRegistration, type QueueingHint } from '../framework/cluster-event';
import type { CycleState} from '../framework/cycle-state';
import { StateKey } from '../framework/cycle-state';
import {
  pass, unresolvable, type EnqueueExtensions, type FilterPlugin, type NodeRestriction, type NormalizeScorePlugin, type PreFilterPlugin, type PreScorePlugin,
  type Rejection, type SignPlugin, type Verdict,
} from '../framework/plugin';
import type { NodeTable } from '../snapshot/node-table';
import type { PodInfo } from '../snapshot/pod-info';
import { CompiledTerm, namesAllowedBy, termOfLabels } from './node-selector';
import { normalizeToHundred } from './normalize';

interface Required {
  readonly selector: CompiledTerm | undefined;
  /** One of these has to match; undefined: nothing is required. */
  readonly terms: readonly CompiledTerm[] | undefined;
}

interface Preferred {
  readonly term: CompiledTerm;
  readonly weight: number;
}

const requiredKey = new StateKey<Required>('PreFilter/NodeAffinity');
const preferredKey = new StateKey<readonly Preferred[]>('PreScore/NodeAffinity');

/** nodeSelector and node affinity, required and preferred; and what a profile adds for all its pods (`addedAffinity`). */
export class NodeAffinity implements PreFilterPlugin, FilterPlugin, PreScorePlugin, NormalizeScorePlugin, SignPlugin, EnqueueExtensions {
  readonly name = 'NodeAffinity';
  private readonly addedTerms: readonly CompiledTerm[] | undefined;

  constructor(private readonly added: Affinity | undefined, nodes: NodeTable) {
    this.addedTerms = requiredTerms(added)?.map((term) => new CompiledTerm(term, nodes));
  }

  sign(info: PodInfo): string {
    const selector = info.pod.spec?.nodeSelector;
    const affinity = info.pod.spec?.affinity?.nodeAffinity;
    return selector || affinity ? JSON.stringify([selector && Object.entries(selector).sort(), affinity]) : '';
  }

  preFilter(state: CycleState, info: PodInfo, nodes: NodeTable): 'skip' | Rejection | NodeRestriction | undefined {
    const labels = info.pod.spec?.nodeSelector;
    const terms = requiredTerms(info.pod.spec?.affinity?.nodeAffinity);
    if (!labels && !terms && !this.addedTerms) return 'skip';
    const selector = labels && Object.keys(labels).length > 0 ? new CompiledTerm(termOfLabels(labels), nodes) : undefined;
    state.set(requiredKey, { selector, terms: terms?.map((term) => new CompiledTerm(term, nodes)) });
    const nodeNames = namesOf(terms);
    if (nodeNames?.size === 0) return { code: 'unresolvable', reasons: ['pod affinity terms conflict'] };
    return nodeNames && { nodeNames };
  }

  filter(state: CycleState, _info: PodInfo, nodes: NodeTable, row: number): Verdict {
    if (this.addedTerms && !matchesAny(this.addedTerms, nodes, row)) return unresolvable;
    const { selector, terms } = state.get(requiredKey);
    if (selector && !selector.matches(nodes, row)) return unresolvable;
    return terms && !matchesAny(terms, nodes, row) ? unresolvable : pass;
  }

  explain(_state: CycleState, _info: PodInfo, nodes: NodeTable, row: number): readonly string[] {
    return [this.addedTerms && !matchesAny(this.addedTerms, nodes, row)
      ? "node(s) didn't match scheduler-enforced node affinity" : "node(s) didn't match Pod's node affinity/selector"];
  }

  preScore(state: CycleState, info: PodInfo, nodes: NodeTable): 'skip' | undefined {
    const preferred = [...preferredTerms(info.pod.spec?.affinity?.nodeAffinity), ...preferredTerms(this.added)];
    if (preferred.length === 0) return 'skip';
    state.set(preferredKey, preferred.map(({ preference, weight }) => ({ term: new CompiledTerm(preference ?? {}, nodes), weight: weight ?? 0 })));
    return undefined;
  }

  score(state: CycleState, _info: PodInfo, nodes: NodeTable, row: number): number {
    let sum = 0;
    for (const { term, weight } of state.get(preferredKey)) if (term.matches(nodes, row)) sum += weight;
    return sum;
  }

  normalize(scores: Int32Array, count: number): void {
    normalizeToHundred(scores, count, false);
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [{ resource: 'Node', actions: Action.add | Action.updateNodeLabel, hint: (pod, event) => this.afterNodeChange(pod, event) }];
  }

  private afterNodeChange(pod: PodInfo, event: ClusterEvent): QueueingHint {
    if (event.resource !== 'Node') return 'queue';
    const { old, node } = event;
    return node && this.admits(pod, node) && !(old && this.admits(pod, old)) ? 'queue' : 'skip';
  }

  private admits(pod: PodInfo, node: Node): boolean {
    const added = this.added?.requiredDuringSchedulingIgnoredDuringExecution;
    return matchesNodeOf(pod.pod.spec ?? {}, node) && (!added || matchesNodeSelector(added, node));
  }
}

function requiredTerms(affinity: Affinity | undefined): readonly NodeSelectorTerm[] | undefined {
  const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required && (required.nodeSelectorTerms ?? []);
}

function preferredTerms(affinity: Affinity | undefined): readonly PreferredSchedulingTerm[] {
  return (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).filter(({ weight }) => (weight ?? 0) !== 0);
}

function matchesAny(terms: readonly CompiledTerm[], nodes: NodeTable, row: number): boolean {
  for (let i = 0; i < terms.length; i++) if (terms[i]?.matches(nodes, row)) return true;
  return false;
}

/** The only nodes that can match, where every term names its nodes (as a DaemonSet's pods do). */
function namesOf(terms: readonly NodeSelectorTerm[] | undefined): ReadonlySet<string> | undefined {
  if (!terms?.length) return undefined;
  const names = new Set<string>();
  for (const term of terms) {
    const allowed = namesAllowedBy(term);
    if (!allowed) return undefined;
    for (const name of allowed) names.add(name);
  }
  return names;
}
