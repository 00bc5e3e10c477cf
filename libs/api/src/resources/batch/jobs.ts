import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { isConditionTrue } from '../../meta/conditions';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { setFailurePolicyDefaults } from '../../pod/failure-policy';
import { setTemplateDefaults } from '../../pod/template';
import type { Resource } from '../../resource';
import { durationText } from '../../scalars/age';
import { timeToMs } from '../../scalars/time';
import { jobLabels, validateGenerated, validateHostnames, validateJobSpec, validateJobSpecUpdate } from '../../validation/job';
import { validateJobStatus } from '../../validation/job-status';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';
import { containersColumn, imagesColumn, selectorColumn } from '../workload-columns';

const meta = { namespaced: true, name: subdomainName };
const lifecycle = countedGeneration<Job>();
const noLimit = 2 ** 31 - 1;

function setDefaults(job: Job): void {
  const spec = (job.spec ??= {});
  setTemplateDefaults(spec);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : noLimit;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  setFailurePolicyDefaults(spec);
  takeTemplateLabels(job);
}

/** A job without labels has those of its pods. */
function takeTemplateLabels(job: Job): void {
  const labels = job.spec?.template?.metadata?.labels ?? {};
  if (Object.keys(labels).length === 0 || Object.keys(job.metadata?.labels ?? {}).length > 0) return;
  job.metadata = { ...job.metadata, labels: { ...labels } };
}

function prepareForCreate(job: Job): void {
  lifecycle.prepareForCreate(job);
  if (job.spec?.manualSelector) return;
  generateSelector(job);
  takeTemplateLabels(job);
}

/** The pods of a job carry its uid and name, so that no two jobs ever select the same pods. What the user has set stays, for validation to judge. */
function generateSelector({ metadata = {}, spec = {} }: Job): void {
  const { uid = '', name = '' } = metadata;
  const generated = Object.fromEntries([...jobLabels.name.map((key) => [key, name]), ...jobLabels.uid.map((key) => [key, uid])]);
  spec.template = { ...spec.template, metadata: { ...spec.template?.metadata, labels: { ...generated, ...spec.template?.metadata?.labels } } };
  const [, uidLabel] = jobLabels.uid;
  spec.selector = { ...spec.selector, matchLabels: { [uidLabel]: uid, ...spec.selector?.matchLabels } };
}

function statusText({ metadata, status }: Job): string {
  const first = (...types: string[]): string | undefined => types.find((type) => isConditionTrue(status?.conditions, type));
  return first('Complete', 'Failed') ?? (metadata?.deletionTimestamp ? 'Terminating' : first('Suspended', 'FailureTarget', 'SuccessCriteriaMet') ?? 'Running');
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  const { completions, parallelism = 0 } = spec ?? {};
  if (completions !== undefined) return `${succeeded}/${completions}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationCell({ status }: Job, nowMs: number): string {
  const start = timeToMs(status?.startTime);
  return start === undefined ? '' : durationText((timeToMs(status?.completionTime) ?? nowMs) - start);
}

const template = ({ spec }: Job) => spec?.template;

const columns: Resource<Job>['columns'] = [
  nameColumn,
  { name: 'Status', type: 'string', description: 'How far the job has come.', value: statusText },
  { name: 'Completions', type: 'string', description: 'Pods that have succeeded, of those wanted.', value: completionsText },
  { name: 'Duration', type: 'string', description: 'Time from its start to its completion, or till now.', value: durationCell },
  ageColumn, containersColumn(template), imagesColumn(template), selectorColumn(({ spec }) => spec?.selector),
];

export const jobs = defineResource<Job>({
  group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', categories: ['all'], namespaced: true,
  subresources: ['status'],
  codec: codecFor<Job>('k8s.io.api.batch.v1.Job'),
  setDefaults, prepareForCreate, prepareForUpdate: lifecycle.prepareForUpdate,
  validateCreate: (job) => [...validateMeta(job, meta), ...validateGenerated(job), ...validateJobSpec(job.spec ?? {}, 'spec'), ...validateHostnames(job)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateJobSpec(next.spec ?? {}, 'spec'), ...validateJobSpecUpdate(next, previous)],
  status: statusStrategy((next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateJobStatus(next, previous)]),
  fieldSelectors: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  columns,
});
