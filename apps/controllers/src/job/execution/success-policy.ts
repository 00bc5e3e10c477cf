import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import { IndexSet } from './indexes';

/** Which rule of the job's success policy these indexes meet (KEP-3998); undefined when none. */
export function metSuccessRule({ spec }: Job, succeeded: IndexSet): number | undefined {
  const rules = spec?.successPolicy?.rules ?? [];
  const met = rules.findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && succeeded.size >= succeededCount;
    const wanted = IndexSet.parse(succeededIndexes, spec?.completions ?? 0);
    return succeeded.countOf(wanted) >= (succeededCount ?? wanted.size);
  });
  return met < 0 ? undefined : met;
}
