import type { Job, PodFailurePolicyRule } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { ContainerStatus, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

/** What a failed pod means for its job (KEP-3329): whether it counts, and what else the first rule that matches says. */
export interface FailureVerdict {
  readonly action: 'Count' | 'FailIndex' | 'FailJob' | 'Ignore';
  /** Why, for FailJob. */
  readonly message?: string;
}

/** By the first rule that matches; without one the failure counts. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  // Only of a pod that has ended it is known how.
  if (pod.status?.phase !== 'Failed') return { action: 'Count' };
  for (const [index, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const why = matchCodes(rule, pod) ?? matchConditions(rule, pod);
    if (why === undefined) continue;
    const action = actionOf(rule, job);
    if (action !== undefined) return { action, message: `${why} matching ${action} rule at index ${index}` };
  }
  return { action: 'Count' };
}

/** Undefined for an action of a newer version: such a rule is passed over. FailIndex means something only with a limit per index. */
function actionOf({ action }: PodFailurePolicyRule, { spec }: Job): FailureVerdict['action'] | undefined {
  if (action === 'Count' || action === 'FailJob' || action === 'Ignore') return action;
  return action === 'FailIndex' && spec?.backoffLimitPerIndex !== undefined ? action : undefined;
}

const podName = ({ metadata }: Pod): string => `${metadata?.namespace}/${metadata?.name}`;

function matchCodes({ onExitCodes }: PodFailurePolicyRule, pod: Pod): string | undefined {
  if (!onExitCodes) return undefined;
  const { containerName, operator, values = [] } = onExitCodes;
  const matches = ({ name, state }: ContainerStatus): boolean => {
    const code = state?.terminated?.exitCode ?? 0;
    // A container that succeeded is no reason for a failure, whatever the rule excludes.
    if (!state?.terminated || code === 0 || (containerName !== undefined && containerName !== name)) return false;
    return values.includes(code) === (operator === 'In');
  };
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const found = [...containerStatuses, ...initContainerStatuses].find(matches);
  return found && `Container ${found.name} for pod ${podName(pod)} failed with exit code ${found.state?.terminated?.exitCode}`;
}

function matchConditions({ onPodConditions = [] }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const found = pod.status?.conditions?.find(({ type, status }) => onPodConditions.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status));
  return found && `Pod ${podName(pod)} has condition ${found.type}`;
}
