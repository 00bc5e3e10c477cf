/** Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer. */
import { pods, setCondition } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import { startController, watching, type ReconcileContext, type Request } from '@navarch/client';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { StartController } from '../../dependencies';
import { podReference } from '../../pod/pod-reference';
import { planEviction } from './plan-eviction';
import { TaintTimes } from './taint-times';

const keyOf = ({ metadata }: Pod): Request => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });
const idOf = ({ namespace, name }: Request): string => `${namespace}/${name}`;
const noExecuteTaints = (node: Node | undefined): string => JSON.stringify(node?.spec?.taints?.filter(({ effect }) => effect === 'NoExecute') ?? []);

export const startTaintEviction: StartController = ({ client, clock, random, logger, informers, recorder, observe }, signal) => {
  const times = new TaintTimes();
  /** Pods that were told they have to go, so that it can be taken back. */
  const marked = new Set<string>();
  for (const node of informers.nodes.list()) times.see(node, clock.now());
  const stop = informers.nodes.onChange(({ type, object }) => (type === 'DELETED' ? times.forget(object) : times.see(object, clock.now())));
  signal.addEventListener('abort', stop, { once: true });

  async function evict(pod: Pod, { logger: log }: ReconcileContext): Promise<void> {
    const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
    const podClient = client.resource(pods);
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' };
    try {
      await podClient.updateStatus({ ...pod, status: { ...pod.status, conditions: setCondition(pod.status?.conditions ?? [], condition, clock.now()) } });
      await podClient.delete(namespace, name, { deleteOptions: { preconditions: { uid } } });
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
    log.info('pod evicted: its node has a NoExecute taint that it does not tolerate', { node: pod.spec?.nodeName });
  }

  function takeBack(pod: Pod): void {
    if (marked.delete(idOf(keyOf(pod)))) recorder.event(podReference(pod), 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${pod.metadata?.namespace}/${pod.metadata?.name}`);
  }

  return startController({
    name: 'node/taint-eviction', clock, random, logger, signal, concurrency: 8, ...(observe && { observe }),
    watches: [
      watching(informers.pods, {
        keys: (pod) => [keyOf(pod)],
        when: ({ object, old }) => object.spec?.nodeName !== old?.spec?.nodeName || object.spec?.tolerations?.length !== old?.spec?.tolerations?.length,
      }),
      watching(informers.nodes, {
        keys: ({ metadata }) => informers.pods.by('nodeName', metadata?.name ?? '\0').map(keyOf),
        when: ({ type, object, old }) => type !== 'DELETED' && noExecuteTaints(object) !== noExecuteTaints(old),
      }),
    ],
    reconcile: async ({ namespace, name }, context) => {
      const pod = informers.pods.get(namespace, name);
      const node = informers.nodes.get('', pod?.spec?.nodeName ?? '');
      if (!pod || !node || pod.metadata?.deletionTimestamp || isFinished(pod)) {
        marked.delete(idOf({ namespace, name }));
        return {};
      }
      const nowMs = clock.now();
      const plan = planEviction(pod, node.spec?.taints ?? [], nowMs, (taint) => times.addedMs(node, taint, nowMs));
      switch (plan.action) {
        case 'stay':
          takeBack(pod);
          return {};
        case 'wait':
          marked.add(idOf(keyOf(pod)));
          return { requeueAfterMs: plan.untilMs - nowMs };
        case 'evict':
          recorder.event(podReference(pod), 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`);
          await evict(pod, context);
          return {};
      }
    },
  });
};

const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';
