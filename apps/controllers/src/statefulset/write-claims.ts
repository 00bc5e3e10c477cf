import { persistentVolumeClaims, statefulSets, type JsonValue } from '@navarch/api';
import { ApiError, isAlreadyExists, isNotFound, toError } from '@navarch/base';
import type { ReconcileContext } from '@navarch/client';
import type { StatefulSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import type { ControllerDependencies } from '../dependencies';
import { objectReference } from '../workload/owned';
import type { ClaimsPlan } from './plan-claims';

type Shell = Pick<ControllerDependencies, 'client' | 'informers' | 'recorder'>;

/** Creates the claims that are missing. */
export async function provideClaims({ client, informers, recorder }: Shell, set: StatefulSet, { create }: ClaimsPlan, { wrote }: ReconcileContext): Promise<void> {
  const regarding = objectReference({ resource: statefulSets, object: set });
  for (const claim of create) {
    const text = `create Claim ${claim.metadata?.name} in StatefulSet ${set.metadata?.name}`;
    try {
      const created = await client.resource(persistentVolumeClaims).create(claim);
      recorder.event(regarding, 'Normal', 'SuccessfulCreate', `${text} success`);
      await wrote(informers.persistentVolumeClaims, created);
    } catch (thrown) {
      // The cache is behind: what is there may be going. Look again when it has caught up.
      if (isAlreadyExists(thrown)) throw new ApiError('Conflict', `claim ${claim.metadata?.name} is there already`, {}, { cause: toError(thrown) });
      recorder.event(regarding, 'Warning', 'FailedCreate', `${text} failed error: ${toError(thrown).message}`);
      throw thrown;
    }
  }
}

/** Writes who owns the claims, compare-and-set on what was read. */
export async function ownClaims({ client, informers }: Shell, { own }: ClaimsPlan, { wrote }: ReconcileContext): Promise<void> {
  for (const { claim, owners } of own) {
    const { namespace = '', name = '', uid = '', resourceVersion = '' } = claim.metadata ?? {};
    const ownerReferences = owners.length === 0 ? null : owners.map((owner): JsonValue => JSON.parse(JSON.stringify(owner)) as JsonValue);
    try {
      const patched = await client.resource(persistentVolumeClaims).patch(namespace, name, 'application/merge-patch+json', { metadata: { uid, resourceVersion, ownerReferences } });
      await wrote(informers.persistentVolumeClaims, patched);
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
  }
}
