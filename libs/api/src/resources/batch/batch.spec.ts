import type { CronJob, CronJobSpec, Job, JobSpec, JobStatus } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import { cells, created, refused, statusRefused, updated } from '../../testing/kind-tools';
import { cronComplaint } from '../../validation/cron-schedule';
import { cronJobs } from './cronjobs';
import { jobs } from './jobs';

const podSpec = { restartPolicy: 'Never', containers: [{ name: 'main', image: 'web:1' }] };
const job = (spec: JobSpec = {}, name = 'once'): Job => ({ metadata: { name, namespace: 'team' }, spec: { template: { spec: podSpec }, ...spec } });
const cronJob = (spec: CronJobSpec = {}, name = 'nightly'): CronJob => ({ metadata: { name, namespace: 'team' }, spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template: { spec: podSpec } } }, ...spec } });
const indexed: JobSpec = { completionMode: 'Indexed', completions: 5 };

describe('jobs', () => {
  it('have Kubernetes’ defaults', () => {
    expect(created(jobs, job()).spec).toMatchObject({
      completions: 1, parallelism: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false, manualSelector: false, podReplacementPolicy: 'TerminatingOrFailed',
    });
    const queue = created(jobs, job({ parallelism: 3 })).spec;
    expect([queue?.completions, queue?.parallelism]).toEqual([undefined, 3]);
    expect(created(jobs, job({ ...indexed, backoffLimitPerIndex: 1 })).spec?.backoffLimit).toBe(2_147_483_647);
    const policy = created(jobs, job({ podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] } })).spec;
    expect(policy).toMatchObject({ podReplacementPolicy: 'Failed', podFailurePolicy: { rules: [{ onPodConditions: [{ status: 'True' }] }] } });
  });

  it('select their pods by their uid, and mark them with it and their name', () => {
    const labels = { 'controller-uid': 'u1', 'batch.kubernetes.io/controller-uid': 'u1', 'job-name': 'once', 'batch.kubernetes.io/job-name': 'once' };
    const { metadata, spec } = created(jobs, job());
    expect(spec?.selector).toEqual({ matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' } });
    expect(spec?.template?.metadata?.labels).toEqual(labels);
    expect(metadata).toMatchObject({ generation: 1, labels });
  });

  it('leave a manual selector alone', () => {
    const manual = { manualSelector: true, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: podSpec } };
    expect(created(jobs, job(manual)).spec).toMatchObject(manual);
    expect(refused(jobs, job(manual))).toEqual([]);
    expect(refused(jobs, job({ ...manual, selector: undefined }))[0]).toBe('spec.selector: Required value');
  });

  it.each<[string, JobSpec, string[]]>([
    ['pods that never end', { template: { spec: { ...podSpec, restartPolicy: undefined } } }, ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']],
    ['labels that name another job', { template: { metadata: { labels: { 'job-name': 'other' } }, spec: podSpec } }, [
      'spec.template.metadata.labels[job-name]: Invalid value: {"job-name":"other","batch.kubernetes.io/job-name":"once","controller-uid":"u1","batch.kubernetes.io/controller-uid":"u1"}: must be \'once\'',
    ]],
    ['a selector of its own', { selector: { matchLabels: { a: 'b' } } }, [
      'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u1","a":"b"}}: `selector` not auto-generated',
      'spec.template.metadata.labels: Invalid value: {"job-name":"once","batch.kubernetes.io/job-name":"once","controller-uid":"u1","batch.kubernetes.io/controller-uid":"u1"}: `selector` does not match template `labels`',
    ]],
    ['negative numbers', { parallelism: -1, completions: -2, backoffLimit: -3 }, [
      'spec.parallelism: Invalid value: -1: must be greater than or equal to 0', 'spec.completions: Invalid value: -2: must be greater than or equal to 0', 'spec.backoffLimit: Invalid value: -3: must be greater than or equal to 0',
    ]],
    ['indexes without an end', { completionMode: 'Indexed', parallelism: 2 }, ['spec.completions: Required value: when completion mode is Indexed']],
    ['an unknown mode, of which nothing more is known', { completionMode: 'Magic', backoffLimitPerIndex: 1 }, ['spec.completionMode: Unsupported value: "Magic": supported values: "NonIndexed", "Indexed"']],
    ['an unknown mode', { completionMode: 'Magic' }, ['spec.completionMode: Unsupported value: "Magic": supported values: "NonIndexed", "Indexed"']],
    ['limits per index without indexes', { backoffLimitPerIndex: 1 }, ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode']],
    ['failed indexes beyond all', { ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 6 }, ['spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions']],
    ['an unknown replacement', { podReplacementPolicy: 'Never' }, ['spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"']],
    ['a rule about nothing', { podFailurePolicy: { rules: [{ action: 'FailJob' }] } }, ['spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required']],
    ['a rule about wrong codes', { podFailurePolicy: { rules: [{ action: 'Panic', onExitCodes: { operator: 'In', containerName: 'gone', values: [3, 0, 3] } }] } }, [
      'spec.podFailurePolicy.rules[0].action: Unsupported value: "Panic": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
      'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "gone": must be one of the container or initContainer names in the pod template',
      'spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator', 'spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 3',
      'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,0,3]: must be ordered',
    ]],
    ['a success of impossible indexes', { ...indexed, successPolicy: { rules: [{ succeededIndexes: '1,3-9' }, { succeededIndexes: '0-1', succeededCount: 3 }, {}] } }, [
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "1,3-9": error parsing succeededIndexes: too large index: "9"',
      'spec.successPolicy.rules[1].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
      'spec.successPolicy.rules[2]: Required value: at least one of succeededCount or succeededIndexes must be specified',
    ]],
    ['a manager without a domain', { managedBy: 'me' }, ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")']],
  ])('refuse %s', (_, spec, complaints) => {
    expect(refused(jobs, job(spec))).toEqual(complaints);
  });

  it('have room for an index in their pods’ host names', () => {
    const name = 'a'.repeat(62);
    expect(refused(jobs, job(indexed, name))).toEqual([`metadata.name: Invalid value: "${name}": will not able to create pod with invalid DNS label: ${name}-4`]);
  });

  it('keep what makes them this job', () => {
    const before = created(jobs, job());
    const change = (spec: JobSpec, previous = before): string[] => updated(jobs, previous, (object) => void (object.spec = { ...object.spec, ...spec })).errors.map((text) => text.replace(/Invalid value: .*: /, ''));
    expect(change({ parallelism: 3, activeDeadlineSeconds: 9, suspend: true, ttlSecondsAfterFinished: 1 })).toEqual([]);
    expect(change({ completions: 2 })).toEqual(['spec.completions: field is immutable']);
    const labels = before.spec?.template?.metadata;
    expect(change({ template: { metadata: labels, spec: { ...podSpec, containers: [{ name: 'main', image: 'web:2' }] } } })).toEqual(['spec.template: field is immutable']);
    const elastic = created(jobs, job({ ...indexed, parallelism: 5 }));
    expect(change({ completions: 7, parallelism: 7 }, elastic)).toEqual([]);
    expect(change({ completions: 7 }, elastic)).toEqual(['spec.completions: can only be modified in tandem with spec.parallelism']);
  });

  it('let their pods go elsewhere while they are suspended and have not started', () => {
    const before = created(jobs, job({ suspend: true }));
    const move = (previous: Job): string[] => updated(jobs, previous, ({ spec }) => Object.assign(spec?.template?.spec as object, { nodeSelector: { zone: 'a' } })).errors;
    expect(move(before)).toEqual([]);
    expect(move({ ...before, status: { startTime: { seconds: 1 } } })).toHaveLength(1);
  });

  describe('tell a status that', () => {
    const running: Job = { ...created(jobs, job()), status: { startTime: { seconds: 10 }, active: 1, failed: 1 } };
    const condition = (type: string) => ({ type, status: 'True' });
    const done: JobStatus = { startTime: { seconds: 10 }, completionTime: { seconds: 20 }, succeeded: 1, failed: 1, conditions: [condition('SuccessCriteriaMet'), condition('Complete')] };

    it.each<[string, JobStatus, string[]]>([
      ['says what is true of a finished one', done, []],
      ['has no finish without a reason', { ...done, conditions: [condition('Complete')] }, ['status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition']],
      ['ends when it says so', { ...done, completionTime: undefined, active: 1 }, ['status.completionTime: Required value: completionTime is required for Complete jobs', 'status.active: Invalid value: 1: active>0 is invalid for finished job']],
      ['ends after it began', { ...done, completionTime: { seconds: 5 } }, ['status.completionTime: Invalid value: "1970-01-01T00:00:05Z": completionTime cannot be set before startTime']],
      ['has not forgotten', { startTime: { seconds: 11 }, failed: 0 }, ['status.failed: Invalid value: 0: cannot decrease the failed counter', 'status.startTime: Required value: startTime cannot be removed for unsuspended job']],
      ['counts each pod once', { ...running.status, ready: 2, uncountedTerminatedPods: { succeeded: ['a'], failed: ['a', ''] } }, [
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"', 'status.uncountedTerminatedPods.failed[1]: Invalid value: "": must not be empty', 'status.ready: Invalid value: 2: cannot set more ready pods than active',
      ]],
      ['has indexes only where there are some', { ...running.status, completedIndexes: '0', failedIndexes: '0' }, [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode', 'status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
        'status.failedIndexes: Invalid value: "0": failedIndexes and completedIndexes overlap at index: 0',
      ]],
    ])('%s', (_, status, complaints) => {
      expect(statusRefused(jobs, running, status)).toEqual(complaints);
    });

    it('stays finished', () => {
      expect(statusRefused(jobs, { ...running, status: done }, { ...done, conditions: [condition('SuccessCriteriaMet')], completionTime: undefined })).toEqual(['status.conditions: Invalid value: cannot disable the terminal Complete=True condition']);
    });
  });

  it('print how far they are', () => {
    const one = created(jobs, job());
    const show = (object: Job) => cells(jobs, object, 100_000);
    expect(show(one)).toMatchObject({ Status: 'Running', Completions: '0/1', Duration: '', Containers: 'main', Images: 'web:1', Selector: 'batch.kubernetes.io/controller-uid=u1' });
    expect(show({ ...one, status: { startTime: { seconds: 40 }, conditions: [{ type: 'Suspended', status: 'True' }] } })).toMatchObject({ Status: 'Suspended', Duration: '60s' });
    expect(show({ ...one, status: { startTime: { seconds: 40 }, completionTime: { seconds: 70 }, succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] } })).toMatchObject({ Status: 'Complete', Completions: '1/1', Duration: '30s' });
    expect(show(created(jobs, job({ parallelism: 4 })))).toMatchObject({ Completions: '0/1 of 4' });
    expect(jobs.fieldSelectors['status.successful']?.({ status: { succeeded: 2 } })).toBe('2');
  });
});

describe('cron jobs', () => {
  it('have Kubernetes’ defaults, down to their pods', () => {
    expect(created(cronJobs, cronJob()).spec).toMatchObject({
      concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1, jobTemplate: { spec: { template: { spec: { dnsPolicy: 'ClusterFirst' } } } },
    });
    expect(created(cronJobs, cronJob()).spec?.jobTemplate?.spec?.completions).toBeUndefined();
  });

  it.each<[string, CronJobSpec, string[]]>([
    ['no schedule', { schedule: undefined }, ['spec.schedule: Required value']],
    ['a broken schedule', { schedule: '0 3 * *' }, ['spec.schedule: Invalid value: "0 3 * *": expected exactly 5 fields, found 4: [0 3 * *]']],
    ['a zone inside the schedule', { schedule: 'TZ=UTC 0 3 * * *' }, ['spec.schedule: Invalid value: "TZ=UTC 0 3 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead']],
    ['an unknown zone', { timeZone: 'Europe/Atlantis' }, ['spec.timeZone: Invalid value: "Europe/Atlantis": unknown time zone Europe/Atlantis']],
    ['the server’s zone in other letters', { timeZone: 'local' }, ['spec.timeZone: Invalid value: "local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones', 'spec.timeZone: Invalid value: "local": unknown time zone local']],
    ['whatever zone the server is in', { timeZone: 'Local' }, ['spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones']],
    ['an unknown policy', { concurrencyPolicy: 'Maybe' }, ['spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"']],
    ['a selector', { jobTemplate: { spec: { template: { spec: podSpec }, selector: {}, manualSelector: true } } }, [
      'spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated', 'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
    ]],
    ['pods that never end', { jobTemplate: { spec: { template: { spec: { ...podSpec, restartPolicy: 'Always' } } } } }, ['spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']],
    ['a negative deadline', { startingDeadlineSeconds: -1 }, ['spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0']],
  ])('refuse %s', (_, spec, complaints) => {
    expect(refused(cronJobs, cronJob(spec))).toEqual(complaints);
  });

  it('leave room for the time in their jobs’ names', () => {
    expect(refused(cronJobs, cronJob({}, 'a'.repeat(52)))).toEqual([]);
    expect(refused(cronJobs, cronJob({}, 'a'.repeat(53)))).toEqual([`metadata.name: Invalid value: "${'a'.repeat(53)}": must be no more than 52 characters`]);
  });

  it('print when they run', () => {
    const object: CronJob = { ...created(cronJobs, cronJob({ timeZone: 'Europe/Berlin' })), status: { active: [{ name: 'a' }], lastScheduleTime: { seconds: 40 } } };
    expect(cells(cronJobs, object)).toMatchObject({ Schedule: '0 3 * * *', Timezone: 'Europe/Berlin', Suspend: 'False', Active: 1, 'Last Schedule': '60s', Selector: '<none>' });
    expect(cells(cronJobs, {})).toMatchObject({ Timezone: '<none>', Suspend: '<unset>', 'Last Schedule': '<none>' });
  });

  it.each(['* * * * *', '*/5 0-6,12 1,15 jan-mar MON-fri', '0 0 ? * 0', '5/10 * * * *', '@daily', '@every 1h30m', 'CRON_TZ=Asia/Tokyo 0 0 * * *'])('know the schedule %s', (schedule) => {
    expect(cronComplaint(schedule)).toBeUndefined();
  });

  it.each([
    ['60 * * * *', 'end of range (60) above maximum (59): 60'], ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'], ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'], ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'], ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'], ['@sometimes', 'unrecognized descriptor: @sometimes'], ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
  ])('refuse the schedule %s', (schedule, complaint) => {
    expect(cronComplaint(schedule)).toBe(complaint);
  });
});
