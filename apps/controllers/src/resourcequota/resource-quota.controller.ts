/**
 * Has quotas counted anew whenever something of their namespace may have been freed or changed. The counting itself is the apiserver's,
 * in the write of the status (apps/apiserver/src/core/admission/quota): only there is it exact, whatever this process has seen.
 */
import { resourceQuotas, type ApiObject, type Resource } from '@navarch/api';
import { hasReason } from '@navarch/base';
import { startController, watching, type ObjectChange } from '@navarch/client';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { StartController } from '../dependencies';
import { MetadataWatches } from '../garbagecollector/metadata-watches';

/** Many changes, one count. */
const settleMs = 250;
/** As in Kubernetes: for what time alone changes, such as pods that their node does not let go. */
const resyncMs = 300_000;

export const startResourceQuota: StartController = ({ client, clock, random, logger, informers, resources, observe }, signal) => {
  const quotas = informers.resourceQuotas;
  const wake = (namespace: string): void => {
    for (const { metadata } of quotas.list(namespace)) controller.enqueue({ namespace, name: metadata?.name ?? '' }, settleMs);
  };
  const controller = startController({
    name: 'resourcequota', clock, random, logger, signal, concurrency: 5, ...(observe && { observe }),
    watches: [watching(quotas, {
      keys: ({ metadata }) => [{ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' }],
      // The counting itself changes the status, and must not bring itself back.
      when: ({ type, object, old }) => type !== 'DELETED' && (old === undefined || object.metadata?.generation !== old.metadata?.generation || JSON.stringify(object.spec) !== JSON.stringify(old.spec)),
    })],
    reconcile: async ({ namespace, name }, context) => {
      const quota = quotas.get(namespace, name);
      if (!quota) return;
      const asked = { ...quota, metadata: { ...quota.metadata, resourceVersion: undefined } };
      try {
        await context.wrote(quotas, await client.resource(resourceQuotas).updateStatus(asked, { signal: context.signal }));
      } catch (thrown) {
        if (!hasReason(thrown, 'NotFound')) throw thrown;
        return;
      }
      return { requeueAfterMs: resyncMs };
    },
  });
  const onChange = (resource: Resource, change: ObjectChange<ApiObject>): void => {
    const namespace = change.object.metadata?.namespace;
    // What is new was promised on the quota before it was made; the promise is only struck off with what comes next.
    if (namespace && resource.plural !== resourceQuotas.plural && change.type !== 'MODIFIED' && !(change.initial && change.type === 'ADDED')) wake(namespace);
  };
  const counted = (): readonly Resource[] => {
    const names = new Set(quotas.list().flatMap(({ spec }) => Object.keys(spec?.hard ?? {})));
    return resources().filter((resource) => resource.namespaced && (names.has(countName(resource)) || (resource.group === '' && names.has(resource.plural))));
  };
  const watches = new MetadataWatches({ client, clock, random, logger, resources: counted, onChange, onUnserved: () => undefined });
  // Pods give back what they use when they are over, Services and claims when they change.
  const stops = [
    quotas.onChange(() => watches.follow()),
    informers.pods.onChange(({ type, object, old }) => { if (type !== 'MODIFIED' || (old && isOver(object) !== isOver(old))) wake(object.metadata?.namespace ?? ''); }),
    informers.services.onChange(({ type, object, old }) => { if (type !== 'MODIFIED' || (old && JSON.stringify(object.spec) !== JSON.stringify(old.spec))) wake(object.metadata?.namespace ?? ''); }),
    informers.persistentVolumeClaims.onChange(({ type, object, old }) => { if (type !== 'MODIFIED' || (old && JSON.stringify(object.spec) !== JSON.stringify(old.spec))) wake(object.metadata?.namespace ?? ''); }),
  ];
  const watchingAll = watches.run(signal).then(() => { for (const stop of stops) stop(); });
  return { done: Promise.all([controller.done, watchingAll]).then(() => undefined), enqueue: (request, afterMs) => controller.enqueue(request, afterMs) };
};

const countName = ({ group, plural }: Resource): string => (group === '' ? `count/${plural}` : `count/${plural}.${group}`);

const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';
