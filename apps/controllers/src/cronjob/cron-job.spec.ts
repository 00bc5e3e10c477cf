import { cronJobs, jobs, ownerReference } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { CronJob, CronJobSpec, Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import { JobBed } from '../job/execution/testing';
import type { Controllers } from '../app';

let bed: JobBed;
let running: Controllers;
beforeEach(async () => {
  bed = new JobBed();
  running = await bed.cluster.start();
  await bed.cluster.addNode('node-1');
  // To the beginning of a minute.
  await bed.clock.advance(60_000 - (bed.clock.now() % 60_000));
});
afterEach(() => bed.cluster.close());

const minuteMs = 60_000;
const cron = () => bed.cluster.api.client.resource(cronJobs);
const jobTemplate = { metadata: { labels: { team: 'a' } }, spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work:1' }] } } } };
const make = async (spec: CronJobSpec = {}): Promise<CronJob> => {
  const made = await cron().create({ metadata: { namespace: 'default', name: 'tick' }, spec: { schedule: '* * * * *', jobTemplate, ...spec } });
  await bed.cluster.settle();
  return made;
};
const change = async (spec: CronJobSpec): Promise<void> => {
  const present = await cron().get('default', 'tick');
  await cron().update({ ...present, spec: { ...present.spec, ...spec } });
  await bed.cluster.settle();
};
const status = async () => (await cron().get('default', 'tick')).status;
const all = async (): Promise<Job[]> => (await bed.cluster.api.client.resource(jobs).list({ namespace: 'default' })).items;
const names = async (): Promise<(string | undefined)[]> => (await all()).map(({ metadata }) => metadata?.name).sort();
const nameNow = (): string => `tick-${Math.floor(bed.clock.now() / minuteMs)}`;
/** All pods that run end. */
const finish = async (code = 0): Promise<void> => {
  for (const pod of await bed.active()) await bed.end(pod, code);
};
const events = async (reason: string): Promise<(string | undefined)[]> => {
  await bed.clock.advance(1_000);
  return (await bed.cluster.events(reason)).map(({ message }) => message);
};

describe('a CronJob', () => {
  it('makes a Job of its template when it is due, named by the minute, and follows it to its end', async () => {
    await make();
    await bed.clock.advance(minuteMs - 1);
    expect(await names()).toEqual([]);
    await bed.clock.advance(1);
    expect(await names()).toEqual([nameNow()]);
    const [job] = await all();
    expect(job?.metadata).toMatchObject({ labels: { team: 'a' }, annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': new Date(bed.clock.now()).toISOString().replace('.000', '') }, ownerReferences: [{ kind: 'CronJob', name: 'tick', controller: true }] });
    expect(await status()).toMatchObject({ active: [{ kind: 'Job', name: nameNow() }], lastScheduleTime: { seconds: bed.clock.now() / 1_000 } });
    await finish();
    expect([(await status())?.active, typeof (await status())?.lastSuccessfulTime?.seconds]).toEqual([undefined, 'number']);
    expect(await events('SawCompletedJob')).toEqual([`Saw completed job: ${job?.metadata?.name}, condition: Complete`]);
    expect(await events('SuccessfulCreate')).toContain(`Created job ${job?.metadata?.name}`);
  });

  it('with Allow runs side by side; with Forbid leaves a time out while one runs; with Replace puts the new in its place', async () => {
    await make({ concurrencyPolicy: 'Allow' });
    await bed.clock.advance(2 * minuteMs);
    expect(await names()).toHaveLength(2);
    await change({ concurrencyPolicy: 'Forbid' });
    await bed.clock.advance(2 * minuteMs);
    expect([(await names()).length, await events('JobAlreadyActive')]).toEqual([2, ['Not starting job because prior execution is running and concurrency policy is Forbid']]);
    await change({ concurrencyPolicy: 'Replace' });
    await bed.clock.advance(minuteMs);
    expect((await status())?.active).toHaveLength(1);
  });

  it('that is suspended makes none, and afterwards only the latest of those it missed', async () => {
    await make({ suspend: true });
    await bed.clock.advance(10 * minuteMs);
    expect(await names()).toEqual([]);
    await change({ suspend: false });
    expect(await names()).toEqual([nameNow()]);
  });

  it('does not run what is later than startingDeadlineSeconds', async () => {
    await make({ suspend: true, schedule: '0 * * * *', startingDeadlineSeconds: 300 });
    await bed.clock.advance(3_600_000 - (bed.clock.now() % 3_600_000) + 301_000);
    await change({ suspend: false });
    expect(await names()).toEqual([]);
    await change({ startingDeadlineSeconds: 400 });
    expect(await names()).toHaveLength(1);
  });

  it('warns when it has missed more than a hundred times, and goes on', async () => {
    await make({ suspend: true });
    await bed.clock.advance(150 * minuteMs);
    await change({ suspend: false });
    expect(await names()).toEqual([nameNow()]);
    expect(await events('TooManyMissedTimes')).toEqual(['too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew']);
  });

  it('keeps so many of its finished Jobs as its history limits say, the latest', async () => {
    await make({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1, jobTemplate: { spec: { ...jobTemplate.spec, backoffLimit: 0 } } });
    for (const code of [0, 1, 0, 1, 0]) {
      await bed.clock.advance(minuteMs);
      await finish(code);
    }
    const minute = Math.floor(bed.clock.now() / minuteMs);
    expect(await names()).toEqual([`tick-${minute - 2}`, `tick-${minute - 1}`, `tick-${minute}`]);
  });

  it('runs no time twice and none never when its controller dies after the Job is made and before it is noted', async () => {
    await make();
    bed.cluster.api.failNext('updateStatus', new ApiError('Unavailable', 'gone'), { plural: 'cronjobs' });
    await bed.clock.advance(minuteMs - 1);
    const due = bed.clock.advance(1);
    await due;
    await bed.cluster.stop(running);
    running = await bed.cluster.start();
    await bed.clock.advance(5_000);
    expect(await names()).toHaveLength(1);
    expect(await status()).toMatchObject({ active: [{ name: (await names())[0] }], lastScheduleTime: expect.anything() });
  });

  it('says when another’s Job has the name, and takes it for none of its own', async () => {
    await make({ schedule: '*/5 * * * *' });
    const next = Math.ceil((bed.clock.now() + 1) / (5 * minuteMs)) * 5;
    await bed.cluster.api.client.resource(jobs).create({ metadata: { namespace: 'default', name: `tick-${next}` }, spec: { suspend: true, ...jobTemplate.spec } });
    await bed.clock.advance(5 * minuteMs);
    expect((await events('FailedCreate'))[0]).toContain('already exists');
    expect((await status())?.active).toBeUndefined();
  });

  it('counts a Job made of it by hand for the history, not among those it runs', async () => {
    const made = await make({ schedule: '0 0 1 1 *', successfulJobsHistoryLimit: 0 });
    await bed.cluster.api.client.resource(jobs).create({ metadata: { namespace: 'default', name: 'by-hand', annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' }, ownerReferences: [ownerReference(cronJobs, made)] }, spec: jobTemplate.spec });
    await bed.cluster.settle();
    expect([(await status())?.active, await events('UnexpectedJob')]).toEqual([undefined, ['Saw a job that the controller did not create or forgot: by-hand']]);
    await finish();
    expect([await names(), typeof (await status())?.lastSuccessfulTime?.seconds]).toEqual([[], 'number']);
  });

  it('forgets an active Job that somebody deleted, and does not make it again', async () => {
    await make();
    await bed.clock.advance(minuteMs);
    const [name = ''] = await names();
    await bed.cluster.api.client.resource(jobs).delete('default', name);
    await bed.cluster.settle();
    expect([await names(), (await status())?.active, await events('MissingJob')]).toEqual([[], undefined, [`Active job went missing: ${name}`]]);
  });

  it('whose Job is refused says so and tries again', async () => {
    await make();
    bed.cluster.api.failNext('create', new ApiError('Forbidden', 'exceeded quota'), { plural: 'jobs' });
    await bed.clock.advance(minuteMs + 5_000);
    expect([(await names()).length, await events('FailedCreate')]).toEqual([1, ['Error creating job: exceeded quota']]);
  });
});
