/** Says in each PodDisruptionBudget how many of its pods may be evicted. The apiserver's eviction takes them from there, by compare-and-set. */
import { deepEqual, matcherOf, podDisruptionBudgets } from '@navarch/api';
import { startController, watching, type ReconcileContext, type ReconcileResult } from '@navarch/client';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { PodDisruptionBudget } from '@navarch/proto/k8s/io/api/policy/v1/policy';

import type { ControllerDependencies, StartController } from '../dependencies';
import { podReference } from '../pod/pod-reference';
import { keyOf, objectReference } from '../workload/owned';
import { expectedScale } from './expected-scale';
import { needsScale, planBudget, type ExpectedScale } from './plan-budget';

const covers = ({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean => matcherOf(spec?.selector).matches(metadata?.labels ?? {});

class Disruption {
  constructor(private readonly dependencies: ControllerDependencies) {}

  async reconcile(namespace: string, name: string, context: ReconcileContext): Promise<ReconcileResult> {
    const { clock, informers, recorder } = this.dependencies;
    const budget = informers.podDisruptionBudgets.get(namespace, name);
    if (!budget || budget.metadata?.deletionTimestamp) return {};
    const selector = matcherOf(budget.spec?.selector);
    const selected = informers.pods.list(namespace).filter(({ metadata }) => selector.matches(metadata?.labels ?? {}));
    const scale: ExpectedScale = needsScale(budget) ? await expectedScale(this.dependencies, selected) : { type: 'known', replicas: 0, unmanaged: [] };
    const { status, notDeleted, lookAgainMs } = planBudget(budget, selected, scale, clock.now());
    this.tell(budget, selected, scale);
    await this.write(budget, status, context);
    for (const pod of notDeleted) recorder.event(podReference(pod), 'Warning', 'NotDeleted', `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`);
    return lookAgainMs === undefined ? {} : { requeueAfterMs: lookAgainMs };
  }

  private tell(budget: PodDisruptionBudget, selected: readonly Pod[], scale: ExpectedScale): void {
    const event = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
      this.dependencies.recorder.event(objectReference({ resource: podDisruptionBudgets, object: budget }), type, reason, message);
    if (selected.length === 0) event('Normal', 'NoPods', 'No matching pods found');
    if (scale.type === 'unknown') event('Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${scale.why}`);
    else if (scale.unmanaged.length > 0) {
      event('Warning', 'UnmanagedPods', 'Pods selected by this PodDisruptionBudget were found to be unmanaged: nobody says how many there should be. To account for them set ".spec.minAvailable" to an integer');
    }
  }

  /** Compare and set: an eviction that took its place meanwhile makes it fail, and everything is counted anew. */
  private async write(budget: PodDisruptionBudget, status: PodDisruptionBudget['status'], { wrote }: ReconcileContext): Promise<void> {
    if (deepEqual(status, budget.status)) return;
    const { client, informers } = this.dependencies;
    await wrote(informers.podDisruptionBudgets, await client.resource(podDisruptionBudgets).updateStatus({ ...budget, status }));
  }
}

export const startDisruption: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const disruption = new Disruption(dependencies);
  return startController({
    name: 'disruption', clock, random, logger, signal, concurrency: 4, ...(observe && { observe }),
    watches: [
      watching(informers.podDisruptionBudgets, { keys: (budget) => [keyOf(budget)] }),
      watching(informers.pods, { keys: (pod) => informers.podDisruptionBudgets.list(pod.metadata?.namespace ?? '').filter((budget) => covers(budget, pod)).map(keyOf) }),
    ],
    reconcile: ({ namespace, name }, context) => disruption.reconcile(namespace, name, context),
  });
};
