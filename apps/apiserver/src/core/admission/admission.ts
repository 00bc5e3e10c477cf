import type { ApiObject, Resource } from '@navarch/api';

import type { User } from '../request';

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE';

/** A write as admission sees it. `object` is the write's own copy: mutating plugins change it in place. */
export interface AdmissionAttributes {
  readonly resource: Resource;
  readonly subresource: string;
  readonly operation: AdmissionOperation;
  readonly namespace: string;
  readonly name: string;
  readonly user: User;
  readonly object?: ApiObject;
  readonly oldObject?: ApiObject;
  readonly dryRun: boolean;
  /** The trace context of this write. */
  readonly traceparent?: string;
  readonly signal: AbortSignal;
}

/**
 * A say in every write, after defaulting. `admit` may change the object and runs before the kind's validation,
 * `validate` after it. Both refuse by throwing an ApiError. Must be quick and safe to run again for the same write.
 */
export interface AdmissionPlugin {
  readonly name: string;
  handles(attributes: AdmissionAttributes): boolean;
  admit?(attributes: AdmissionAttributes): Promise<void> | void;
  validate?(attributes: AdmissionAttributes): Promise<void> | void;
}

export async function admit(plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes): Promise<void> {
  for (const plugin of plugins) if (plugin.admit && plugin.handles(attributes)) await plugin.admit(attributes);
}

export async function validateAdmission(plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes): Promise<void> {
  for (const plugin of plugins) if (plugin.validate && plugin.handles(attributes)) await plugin.validate(attributes);
}

/** Whether a write makes a new object of this kind (not one of its subresources). */
export function creates(attributes: AdmissionAttributes, group: string, plural: string): boolean {
  const { operation, resource, subresource } = attributes;
  return operation === 'CREATE' && subresource === '' && resource.group === group && resource.plural === plural;
}
