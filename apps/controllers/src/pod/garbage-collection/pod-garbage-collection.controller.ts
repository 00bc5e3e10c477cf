/** Now and then deletes pods that nobody else will: of gone nodes, terminating without a node, finished ones beyond a number. */
import { nodes, pods, setCondition } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import { cacheOnly, startController, type ReconcileContext } from '@navarch/client';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { inChunks, valuesOf } from '../../in-chunks';
import { isFinished, missingNodes, planCollection, type Collection } from './plan-collection';

const allPods = { namespace: '', name: 'pods' };
const forceDelete = { gracePeriodSeconds: 0 };

class PodGarbageCollection {
  /** Since when nodes have been missing, by our own clock. */
  private readonly missingSince = new Map<string, number>();

  constructor(private readonly dependencies: ControllerDependencies) {}

  async reconcile({ logger }: ReconcileContext): Promise<{ requeueAfterMs: number }> {
    const { informers, config } = this.dependencies;
    const [allOfPods, allOfNodes] = [informers.pods.list(), informers.nodes.list()];
    const goneNodes = await this.goneNodes(missingNodes(allOfPods, allOfNodes));
    const plan = planCollection({ pods: allOfPods, nodes: allOfNodes, goneNodes, terminatedPodThreshold: config.terminatedPodThreshold });
    // One after another: this is nobody's hurry, and a gone node may have had hundreds.
    const results = await inChunks(plan, 1, async (collection) => {
      await this.collect(collection);
      logger.info('pod collected', { namespace: collection.pod.metadata?.namespace, pod: collection.pod.metadata?.name, reason: collection.reason });
    });
    // One that cannot be deleted keeps none of the others.
    valuesOf(results);
    return { requeueAfterMs: config.podCollectionPeriodMs };
  }

  /** Missing for the quarantine, and not there when asked: a cache may be behind. */
  private async goneNodes(missing: ReadonlySet<string>): Promise<Set<string>> {
    const { client, clock, config } = this.dependencies;
    const gone = new Set<string>();
    for (const name of this.missingSince.keys()) if (!missing.has(name)) this.missingSince.delete(name);
    for (const name of missing) {
      const sinceMs = this.missingSince.get(name) ?? clock.monotonic();
      this.missingSince.set(name, sinceMs);
      if (clock.monotonic() - sinceMs < config.orphanQuarantineMs) continue;
      const present = await client.resource(nodes).get('', name).then(() => true, orFalse);
      if (!present) gone.add(name);
    }
    return gone;
  }

  private async collect({ pod, reason }: Collection): Promise<void> {
    const { client } = this.dependencies;
    const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
    try {
      if (reason === 'orphaned' || reason === 'out-of-service') await this.markFailed(pod, reason);
      await client.resource(pods).delete(namespace, name, { deleteOptions: { ...forceDelete, preconditions: { uid } } });
    } catch (thrown) {
      orFalse(thrown);
    }
  }

  /** Whoever watches the pod should see that it failed, and why, before it goes. */
  private async markFailed(pod: Pod, reason: 'orphaned' | 'out-of-service'): Promise<void> {
    const { client, clock } = this.dependencies;
    if (isFinished(pod)) return;
    const conditions = reason === 'orphaned'
      ? setCondition(pod.status?.conditions ?? [], { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }, clock.now())
      : pod.status?.conditions;
    await client.resource(pods).updateStatus({ ...pod, status: { ...pod.status, phase: 'Failed', ...(conditions && { conditions }) } });
  }
}

function orFalse(thrown: unknown): false {
  if (isNotFound(thrown)) return false;
  throw thrown;
}

export const startPodGarbageCollection: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, config, observe } = dependencies;
  const collection = new PodGarbageCollection(dependencies);
  const controller = startController({
    name: 'pod/garbage-collection', clock, random, logger, signal, maxBackoffMs: config.podCollectionPeriodMs, ...(observe && { observe }),
    // Events bring no work: it looks around at its own pace.
    watches: [cacheOnly(informers.pods), cacheOnly(informers.nodes)],
    reconcile: (_request, context) => collection.reconcile(context),
  });
  controller.enqueue(allPods);
  return controller;
};
