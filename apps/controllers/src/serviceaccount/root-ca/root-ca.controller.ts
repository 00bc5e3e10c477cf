/** Every active namespace has a ConfigMap with the authority by which pods know the API server, and it says nothing else. */
import { configMaps } from '@navarch/api';
import { hasReason, isAlreadyExists, isConflict } from '@navarch/base';
import { startController, watching } from '@navarch/client';
import type { ConfigMap, Namespace } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { StartController } from '../../dependencies';

export const rootCaName = 'kube-root-ca.crt';
const rootCaKey = 'ca.crt';
const description = 'The authority that signs the API server\'s certificate, as pods see the server from inside the cluster.';

/** What must be written: a new ConfigMap, a repaired one, or nothing. */
export function wantedRootCa(namespace: Namespace | undefined, present: ConfigMap | undefined, rootCa: string): ConfigMap | undefined {
  if (!namespace || namespace.metadata?.deletionTimestamp || namespace.status?.phase === 'Terminating') return undefined;
  const data = { [rootCaKey]: rootCa };
  if (!present) return { metadata: { namespace: namespace.metadata?.name, name: rootCaName, annotations: { 'kubernetes.io/description': description } }, data };
  const isAsWanted = present.data?.[rootCaKey] === rootCa && Object.keys(present.data).length === 1 && Object.keys(present.binaryData ?? {}).length === 0;
  return isAsWanted ? undefined : { ...present, data, binaryData: undefined };
}

export const startRootCaPublisher: StartController = ({ client, clock, random, logger, informers, config, observe }, signal) =>
  startController({
    name: 'serviceaccount/root-ca', clock, random, logger, signal, concurrency: 4, ...(observe && { observe }),
    watches: [
      watching(informers.namespaces, { keys: ({ metadata }) => [{ namespace: '', name: metadata?.name ?? '' }] }),
      watching(informers.configMaps, {
        keys: ({ metadata }) => [{ namespace: '', name: metadata?.namespace ?? '' }],
        when: ({ object }) => object.metadata?.name === rootCaName,
      }),
    ],
    reconcile: async ({ name: namespace }, context) => {
      if (config.rootCa === undefined) return;
      const present = informers.configMaps.get(namespace, rootCaName);
      const wanted = wantedRootCa(informers.namespaces.get('', namespace), present, config.rootCa);
      if (!wanted) return;
      const maps = client.resource(configMaps);
      try {
        await context.wrote(informers.configMaps, present ? await maps.update(wanted) : await maps.create(wanted));
      } catch (thrown) {
        // Its own event brings what somebody else has just made.
        if (isAlreadyExists(thrown) || (isConflict(thrown) && present)) return;
        // The namespace began to terminate, or went: nothing is left to do.
        if (!hasReason(thrown, 'Forbidden', 'NotFound')) throw thrown;
        context.logger.info('root authority not published', { error: thrown });
      }
    },
  });
