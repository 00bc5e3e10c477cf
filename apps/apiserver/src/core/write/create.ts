import { fieldErrorsToApiError, timeFromMs, type ApiObject, type Resource } from '@navarch/api';
import { randomNameSuffix, randomUuid, type Clock, type Random } from '@navarch/base';

import { badRequest } from '../errors';

/** Longest prefix of a generated name, so that name and suffix fit a DNS label (Kubernetes' names.SimpleNameGenerator). */
const maxPrefixLength = 58;

/** Fills in what only the server gives a new object; whatever a creator sent of it is gone. */
export function prepareCreate(resource: Resource, object: ApiObject, clock: Clock, random: Random): void {
  const metadata = object.metadata ?? {};
  if (metadata.resourceVersion && metadata.resourceVersion !== '0') throw badRequest('resourceVersion should not be set on objects to be created');
  object.metadata = {
    ...metadata,
    uid: randomUuid(random),
    creationTimestamp: timeFromMs(Math.floor(clock.now() / 1_000) * 1_000),
    resourceVersion: undefined, selfLink: undefined, generation: undefined, managedFields: undefined,
    deletionTimestamp: undefined, deletionGracePeriodSeconds: undefined,
  };
  resource.setDefaults(object);
  resource.prepareForCreate(object);
}

/** Whether the name is the server's to invent. */
export function wantsGeneratedName({ metadata = {} }: ApiObject): boolean {
  return !metadata.name && !!metadata.generateName;
}

export function generateName(object: ApiObject, random: Random): void {
  const metadata = (object.metadata ??= {});
  metadata.name = `${(metadata.generateName ?? '').slice(0, maxPrefixLength)}${randomNameSuffix(random)}`;
}

export function validateCreate(resource: Resource, object: ApiObject): void {
  const errors = resource.validateCreate(object);
  if (errors.length > 0) throw fieldErrorsToApiError(resource, object.metadata?.name ?? '', errors);
}
