import { endpointSlices } from '@navarch/api';
import { hasReason, isApiError, isNotFound } from '@navarch/base';
import type { ReconcileContext } from '@navarch/client';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import type { ControllerDependencies } from '../dependencies';
import { inChunks, valuesOf } from '../in-chunks';
import type { SlicePlan } from './plan-slices';

const atOnce = 10;

/** Carries a plan out: first what adds, so that no endpoint is missing in between. A namespace that is being deleted needs no endpoints. */
export async function writeSlices({ client, informers }: ControllerDependencies, { create, update, remove }: SlicePlan, { wrote }: ReconcileContext): Promise<void> {
  const slices = client.resource(endpointSlices);
  const write = async (writes: readonly (() => Promise<EndpointSlice | undefined>)[]): Promise<void> => {
    const written = valuesOf(await inChunks(writes, atOnce, (one) => one()));
    for (const slice of written) if (slice) await wrote(informers.endpointSlices, slice);
  };
  await write([
    ...create.map((slice) => () => slices.create(slice).catch(unlessTerminating)),
    ...update.map((slice) => () => slices.update(slice)),
  ]);
  await write(remove.map(({ metadata }) => () => slices.delete(metadata?.namespace ?? '', metadata?.name ?? '', { deleteOptions: { preconditions: { uid: metadata?.uid } } }).catch(unlessGone)));
}

export function unlessTerminating(thrown: unknown): undefined {
  if (hasReason(thrown, 'Forbidden') && isApiError(thrown) && thrown.details.causes?.some(({ reason }) => reason === 'NamespaceTerminating')) return undefined;
  throw thrown;
}

export function unlessGone(thrown: unknown): undefined {
  if (isNotFound(thrown)) return undefined;
  throw thrown;
}
