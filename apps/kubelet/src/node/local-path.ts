/** Removes the directories of this node's local-path volumes that were deleted, and then lets the volumes go. */
import { localPathFinalizer, persistentVolumes, volumeNodeLabel } from '@navarch/api';
import { isNotFound, type Clock, type Logger, type Random } from '@navarch/base';
import { createInformer, startController, watching, type ApiClient } from '@navarch/client';
import type { PersistentVolume } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { HostFiles } from '../host/host';
import type { KubeletPaths } from '../pod/identity';

export const localPathRoot = ({ rootDirectory }: Pick<KubeletPaths, 'rootDirectory'>): string => `${rootDirectory}/local-path`;

/** The volume's directory; undefined where it is not one of those this kubelet keeps, whatever the volume says. */
export function localPathOf({ spec }: PersistentVolume, settings: Pick<KubeletPaths, 'rootDirectory'>): string | undefined {
  const path = spec?.persistentVolumeSource?.local?.path ?? '';
  const prefix = `${localPathRoot(settings)}/`;
  const name = path.startsWith(prefix) ? path.slice(prefix.length) : '';
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') ? path : undefined;
}

export interface LocalPathOptions {
  readonly nodeName: string;
  readonly client: ApiClient;
  readonly files: HostFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly settings: Pick<KubeletPaths, 'rootDirectory'>;
  readonly signal: AbortSignal;
}

/** Runs until the signal aborts. */
export function startLocalPath({ nodeName, client, files, clock, random, logger, settings, signal }: LocalPathOptions): { readonly done: Promise<void> } {
  const volumes = createInformer({ client: client.resource(persistentVolumes), resource: persistentVolumes, clock, random, logger, labelSelector: `${volumeNodeLabel}=${nodeName}` });
  const controller = startController({
    name: 'local-path', clock, random, logger, signal, maxBackoffMs: 60_000,
    watches: [watching(volumes, { keys: ({ metadata }) => [{ namespace: '', name: metadata?.name ?? '' }] })],
    reconcile: async ({ name }) => {
      const volume = volumes.get('', name);
      const { finalizers = [], deletionTimestamp, uid = '', resourceVersion = '' } = volume?.metadata ?? {};
      // Others hold it while it may still be in use.
      if (!volume || !deletionTimestamp || finalizers.length !== 1 || finalizers[0] !== localPathFinalizer) return;
      const path = localPathOf(volume, settings);
      if (path !== undefined) await files.remove(path);
      try {
        await client.resource(persistentVolumes).patch('', name, 'application/merge-patch+json', { metadata: { uid, resourceVersion, finalizers: null } });
        logger.info('local volume removed', { volume: name });
      } catch (thrown) {
        if (!isNotFound(thrown)) throw thrown;
      }
    },
  });
  volumes.start(signal);
  return controller;
}
