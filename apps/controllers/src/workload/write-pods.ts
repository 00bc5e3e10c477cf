import { pods } from '@navarch/api';
import { hasReason, isNotFound, toError } from '@navarch/base';
import type { ReconcileContext } from '@navarch/client';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies } from '../dependencies';
import { objectReference, type Owner } from './owned';
import { createOwned, underRequest } from './pod-from-template';

type Shell = Pick<ControllerDependencies, 'client' | 'informers' | 'recorder'>;

/** What the owner's events say. */
export interface PodEventTexts {
  created(pod: string): string;
  notCreated(pod: string, error: string): string;
  deleted(pod: string): string;
  notDeleted(pod: string, error: string): string;
}

/** As ReplicaSets and DaemonSets say it. */
export const plainTexts: PodEventTexts = {
  created: (pod) => `Created pod: ${pod}`,
  notCreated: (_pod, error) => `Error creating: ${error}`,
  deleted: (pod) => `Deleted pod: ${pod}`,
  notDeleted: (pod, error) => `Error deleting pod ${pod}: ${error}`,
};

/** Creates a pod of the owner's (see `createOwned`, `underRequest`), waits until the cache has it, and says so in an event. */
export async function createPod(shell: Shell, owner: Owner, pod: Pod, podsOfRequest: number, texts: PodEventTexts, { wrote }: ReconcileContext): Promise<void> {
  const regarding = objectReference(owner);
  try {
    const created = await underRequest(podsOfRequest, () => createOwned(shell.client.resource(pods), pod));
    shell.recorder.event(regarding, 'Normal', 'SuccessfulCreate', texts.created(created.metadata?.name ?? ''));
    await wrote(shell.informers.pods, created);
  } catch (thrown) {
    // A namespace that is being deleted refuses all: nobody needs to hear of it.
    if (!isTerminatingNamespace(thrown)) shell.recorder.event(regarding, 'Warning', 'FailedCreate', texts.notCreated(pod.metadata?.name ?? '', toError(thrown).message));
    throw thrown;
  }
}

/** Deletes this very pod (by uid), waits until the cache knows, and says so in an event. One that is gone already is fine. */
export async function deletePod(shell: Shell, owner: Owner, { metadata }: Pod, texts: PodEventTexts, { wrote }: ReconcileContext): Promise<void> {
  const { namespace = '', name = '', uid = '' } = metadata ?? {};
  const regarding = objectReference(owner);
  try {
    const deleted = await shell.client.resource(pods).delete(namespace, name, { deleteOptions: { preconditions: { uid } } });
    shell.recorder.event(regarding, 'Normal', 'SuccessfulDelete', texts.deleted(name));
    await wrote(shell.informers.pods, deleted);
  } catch (thrown) {
    if (isNotFound(thrown)) return;
    shell.recorder.event(regarding, 'Warning', 'FailedDelete', texts.notDeleted(name, toError(thrown).message));
    throw thrown;
  }
}

function isTerminatingNamespace(thrown: unknown): boolean {
  return hasReason(thrown, 'Forbidden') && (thrown.details.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating');
}
