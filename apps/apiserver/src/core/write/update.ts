import { fieldErrorsToApiError, type ApiObject, type FieldSet, type Resource } from '@navarch/api';
import type { ObjectMeta } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { badRequest, conflict } from '../errors';
import type { RequestTarget } from '../request';

/** The object must be the one the request names; what it leaves out is filled in from there. */
export function checkIdentity(resource: Resource, object: ApiObject, target: RequestTarget, namespaceOverrides = false): void {
  const metadata = (object.metadata ??= {});
  const { name, namespace = '' } = target;
  if (name !== undefined && metadata.name !== undefined && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if (metadata.namespace !== undefined && metadata.namespace !== namespace && !(namespaceOverrides && resource.namespaced)) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  if (name !== undefined) metadata.name = name;
  metadata.namespace = namespace === '' ? undefined : namespace;
}

/** A version or uid in the object is a condition on the state it replaces. */
export function checkNamedVersion(resource: Resource, incoming: ApiObject, current: ObjectMeta): void {
  const { resourceVersion, uid, name = '' } = incoming.metadata ?? {};
  if (uid !== undefined && uid !== current.uid) {
    throw conflict(resource, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.uid ?? ''}`);
  }
  if (resourceVersion !== undefined && resourceVersion !== '0' && resourceVersion !== current.resourceVersion) throw conflict(resource, name);
}

/** Puts back what only the server sets, whatever the caller sent. */
function keepServerFields(next: ApiObject, previous: ApiObject): void {
  const before = previous.metadata ?? {};
  next.metadata = {
    ...next.metadata,
    uid: before.uid, creationTimestamp: before.creationTimestamp, generation: before.generation, resourceVersion: before.resourceVersion,
    deletionTimestamp: before.deletionTimestamp, deletionGracePeriodSeconds: before.deletionGracePeriodSeconds,
    selfLink: undefined, managedFields: before.managedFields,
  };
}

/** How a write through one door of a kind (the object itself, status, finalize …) forms and judges the next state. */
export interface UpdateStrategy {
  /** The state that `incoming` asks for; may change and keep `incoming`. */
  prepare(incoming: ApiObject, previous: ApiObject): ApiObject;
  validate(next: ApiObject, previous: ApiObject): ReturnType<Resource['validateUpdate']>;
  /** Paths that this door leaves as they are, whatever is sent: nobody comes to own them through it. */
  readonly notWritten?: FieldSet;
}

export function mainStrategy(resource: Resource): UpdateStrategy {
  return {
    prepare(incoming, previous) {
      resource.setDefaults(incoming);
      resource.prepareForUpdate(incoming, previous);
      return incoming;
    },
    validate: (next, previous) => resource.validateUpdate(next, previous),
  };
}

export function statusStrategy(resource: Resource): UpdateStrategy | undefined {
  const { status } = resource;
  return status && {
    prepare(incoming, previous) {
      resource.setDefaults(incoming);
      return status.prepareForUpdate(incoming, previous);
    },
    validate: (next, previous) => status.validateUpdate(next, previous),
  };
}

/** The next state before admission; throws Conflict where a named version or uid is not the current one. */
export function prepareUpdate(resource: Resource, strategy: UpdateStrategy, incoming: ApiObject, previous: ApiObject): ApiObject {
  checkNamedVersion(resource, incoming, previous.metadata ?? {});
  keepServerFields(incoming, previous);
  return strategy.prepare(incoming, previous);
}

/** Validation after admission: all causes in one Invalid error. */
export function validateUpdate(resource: Resource, strategy: UpdateStrategy, next: ApiObject, previous: ApiObject): void {
  const errors = strategy.validate(next, previous);
  if (errors.length > 0) throw fieldErrorsToApiError(resource, next.metadata?.name ?? '', errors);
}
