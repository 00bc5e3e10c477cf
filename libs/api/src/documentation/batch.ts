import type { PackageText } from './text';

/** Documentation of batch/v1. */
export const batch: PackageText = {
  CronJob: ['Makes jobs by a schedule.'],
  CronJobSpec: ['When jobs are made, and which.', {
    schedule: 'Five cron fields, or a name such as @hourly.',
    startingDeadlineSeconds: 'Seconds by which a job may start late; missed ones are skipped; default no limit.',
    concurrencyPolicy: 'Allow, Forbid or Replace, when the job before still runs; default Allow.',
    suspend: 'Whether no new jobs are made; default false.',
    jobTemplate: 'The jobs to make.',
    successfulJobsHistoryLimit: 'Succeeded jobs to keep; default 3.',
    failedJobsHistoryLimit: 'Failed jobs to keep; default 1.',
    timeZone: "Name of the zone that the schedule is in, such as Europe/Berlin; default the controller's.",
  }],
  CronJobStatus: ['What a CronJob has done.', {
    active: 'Jobs that run now.',
    lastScheduleTime: 'When a job was last due and made.',
    lastSuccessfulTime: 'When a job last succeeded.',
  }],
  Job: ['Runs pods until enough of them have succeeded.'],
  JobCondition: ['One aspect of the Job that holds or does not.', {
    type: 'The aspect: Suspended, Complete, Failed, FailureTarget or SuccessCriteriaMet.',
  }],
  JobSpec: ['Which pods are run, how many, and what counts as done.', {
    parallelism: 'Most pods that run at once; default 1.',
    completions: 'Successes needed; absent, one success ends it; default 1 if parallelism is absent too.',
    activeDeadlineSeconds: 'Seconds from its start after which it is failed and its pods are ended.',
    selector: 'Labels of its pods; made by the server unless manualSelector is set.',
    manualSelector: 'Whether selector is taken as given; default false.',
    template: 'The pods to run; their restartPolicy must be Never or OnFailure.',
    backoffLimit: 'Failed pods after which it is failed; default 6, or no limit with backoffLimitPerIndex.',
    ttlSecondsAfterFinished: 'Seconds after its end when it is deleted; default never.',
    completionMode: 'NonIndexed, or Indexed to number the pods and need a success of each; default NonIndexed.',
    suspend: 'Whether it runs no pods for now; default false.',
    podFailurePolicy: 'Rules on what a failed pod leads to; only with restartPolicy Never.',
    backoffLimitPerIndex: 'Failed pods of one index after which the index is failed; only with Indexed.',
    maxFailedIndexes: 'Failed indexes after which it is failed at once; needs backoffLimitPerIndex.',
    podReplacementPolicy: 'TerminatingOrFailed, or Failed to wait until a pod has ended before it is replaced.',
    managedBy: "Controller that runs it; default the cluster's own; cannot change.",
    successPolicy: 'Rules by which fewer successes are enough; only with Indexed.',
  }],
  JobStatus: ['How far the Job has come.', {
    startTime: 'When it was started, or taken up again.',
    completionTime: 'When it succeeded.',
    active: 'Pods that are pending or running and not being deleted.',
    succeeded: 'Pods that have succeeded.',
    failed: 'Pods that have failed.',
    completedIndexes: 'Indexes that have succeeded, such as 1,3-5,7.',
    uncountedTerminatedPods: 'Ended pods that are not yet in the counts.',
    ready: 'Active pods that are ready.',
    failedIndexes: 'Indexes that have failed for good, such as 1,3-5,7.',
    terminating: 'Pods that are being deleted and have not ended.',
  }],
  JobTemplateSpec: ['The jobs that a CronJob makes.', {
    metadata: 'Labels and annotations of each job made.',
    spec: 'What each job made is to do.',
  }],
  PodFailurePolicy: ['Rules on what a failed pod leads to.', {
    rules: 'The rules; the first that matches counts; at most 20.',
  }],
  PodFailurePolicyOnExitCodesRequirement: ['Exit codes that a rule matches.', {
    containerName: 'Container that is meant; default each.',
    operator: 'In or NotIn.',
    values: 'Exit codes, sorted and without 0 for In; at most 255.',
  }],
  PodFailurePolicyOnPodConditionsPattern: ['A pod condition that a rule matches.', {
    type: 'Type of the condition, such as DisruptionTarget.',
    status: 'Status of the condition; default True.',
  }],
  PodFailurePolicyRule: ['One rule on what a failed pod leads to; exactly one of the two conditions is set.', {
    action: 'FailJob, FailIndex, Ignore or Count.',
    onExitCodes: 'Matches by the exit codes of containers.',
    onPodConditions: 'Matches by the conditions of the pod.',
  }],
  SuccessPolicy: ['Rules by which a job succeeds early.', {
    rules: 'The rules; one that is met is enough; at most 20.',
  }],
  SuccessPolicyRule: ['One rule by which a job succeeds early.', {
    succeededIndexes: 'Indexes that must succeed, such as 1,3-5,7; absent means any.',
    succeededCount: 'How many of the indexes must succeed; absent means all.',
  }],
  UncountedTerminatedPods: ['Ended pods that are not yet in the counts of a job.', {
    succeeded: 'Identities of pods that succeeded.',
    failed: 'Identities of pods that failed.',
  }],
};
