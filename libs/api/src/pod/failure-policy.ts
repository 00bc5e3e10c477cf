import type { JobSpec } from '@navarch/proto/k8s/io/api/batch/v1/batch';

/** A pattern that names only a condition means the condition as true; in place. */
export function setFailurePolicyDefaults({ podFailurePolicy }: JobSpec): void {
  for (const { onPodConditions = [] } of podFailurePolicy?.rules ?? []) {
    for (const pattern of onPodConditions) pattern.status ??= 'True';
  }
}
