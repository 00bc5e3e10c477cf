import type { CronJob, CronJobSpec } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { setFailurePolicyDefaults } from '../../pod/failure-policy';
import { setTemplateDefaults } from '../../pod/template';
import type { FieldError } from '../../resource';
import { ageText } from '../../scalars/age';
import { validateCounts } from '../../validation/counts';
import { cronComplaint } from '../../validation/cron-schedule';
import { invalid, notSupported, oneOf, required } from '../../validation/field-error';
import { validateJobTemplate } from '../../validation/job';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';
import { containersColumn, imagesColumn, selectorColumn } from '../workload-columns';

const meta = { namespaced: true, name: subdomainName };
/** A job's name is the cron job's with a dash and the time in ten digits, and must be a label. */
const maxNameLength = 52;

function setDefaults(cronJob: CronJob): void {
  const spec = (cronJob.spec ??= {});
  spec.concurrencyPolicy ??= 'Allow';
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  const job = ((spec.jobTemplate ??= {}).spec ??= {});
  setTemplateDefaults(job);
  setFailurePolicyDefaults(job);
}

function validateSchedule({ schedule, timeZone }: CronJobSpec, previous: CronJobSpec | undefined): FieldError[] {
  const field = 'spec.schedule';
  if (!schedule) return [required(field)];
  const complaint = cronComplaint(schedule);
  const errors = complaint === undefined ? [] : [invalid(field, schedule, complaint)];
  if (!schedule.includes('TZ')) return errors;
  const tolerated = previous?.schedule?.includes('TZ');
  if (!tolerated) errors.push(invalid(field, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  else if (timeZone !== undefined) errors.push(invalid(field, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
  return errors;
}

function validateTimeZone(zone: string | undefined): FieldError[] {
  const field = 'spec.timeZone';
  if (zone === undefined) return [];
  if (zone === '') return [invalid(field, zone, 'timeZone must be nil or non-empty string')];
  const proper = zone.split('/').every((part) => /^[A-Za-z._0-9+-]{1,14}$/.test(part) && !['.', '..'].includes(part) && !part.startsWith('-'));
  if (!proper) return [invalid(field, zone, `unknown time zone ${zone}`)];
  const explicit = zone.toLowerCase() === 'local' ? [invalid(field, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')] : [];
  return zone === 'Local' || isKnownZone(zone) ? explicit : [...explicit, invalid(field, zone, `unknown time zone ${zone}`)];
}

function isKnownZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function validateSpec(spec: CronJobSpec, previous?: CronJobSpec): FieldError[] {
  const { jobTemplate } = spec;
  const field = 'spec.jobTemplate.spec';
  const { selector, manualSelector } = jobTemplate?.spec ?? {};
  return [
    ...validateSchedule(spec, previous), ...validateCounts(spec, 'spec', ['startingDeadlineSeconds']),
    ...(previous && previous.timeZone === spec.timeZone ? [] : validateTimeZone(spec.timeZone)),
    ...oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    ...validateJobTemplate(jobTemplate?.spec ?? {}, field),
    ...(selector ? [invalid(`${field}.selector`, selector, '`selector` will be auto-generated')] : []),
    ...(manualSelector ? [notSupported(`${field}.manualSelector`, manualSelector, ['nil', 'false'])] : []),
    ...validateCounts(spec, 'spec', ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit']),
  ];
}

function validateCreate(cronJob: CronJob): FieldError[] {
  const name = cronJob.metadata?.name ?? '';
  const tooLong = name.length > maxNameLength ? [invalid('metadata.name', name, `must be no more than ${maxNameLength} characters`)] : [];
  return [...validateMeta(cronJob, meta), ...validateSpec(cronJob.spec ?? {}), ...tooLong];
}

const template = ({ spec }: CronJob) => spec?.jobTemplate?.spec?.template;

export const cronJobs = defineResource<CronJob>({
  group: 'batch', version: 'v1', kind: 'CronJob', plural: 'cronjobs', shortNames: ['cj'], categories: ['all'], namespaced: true,
  subresources: ['status'],
  codec: codecFor<CronJob>('k8s.io.api.batch.v1.CronJob'),
  setDefaults,
  ...countedGeneration<CronJob>(),
  validateCreate,
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateSpec(next.spec ?? {}, previous.spec ?? {})],
  status: statusStrategy((next, previous) => validateMetaUpdate(next, previous, meta)),
  columns: [
    nameColumn,
    { name: 'Schedule', type: 'string', description: 'When jobs are made, in cron form.', value: ({ spec }) => spec?.schedule ?? '' },
    { name: 'Timezone', type: 'string', description: 'The time zone of the schedule.', value: ({ spec }) => spec?.timeZone ?? '<none>' },
    { name: 'Suspend', type: 'boolean', description: 'Whether no further jobs are made for now.', value: ({ spec }) => suspendText(spec?.suspend) },
    { name: 'Active', type: 'integer', description: 'Jobs that are running.', value: ({ status }) => status?.active?.length ?? 0 },
    { name: 'Last Schedule', type: 'string', description: 'Time since a job was last made.', value: ({ status }, nowMs) => (status?.lastScheduleTime ? ageText(status.lastScheduleTime, nowMs) : '<none>') },
    ageColumn, containersColumn(template), imagesColumn(template), selectorColumn(({ spec }) => spec?.jobTemplate?.spec?.selector),
  ],
});

function suspendText(suspend: boolean | undefined): string {
  if (suspend === undefined) return '<unset>';
  return suspend ? 'True' : 'False';
}
