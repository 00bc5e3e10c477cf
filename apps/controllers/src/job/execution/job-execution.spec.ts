import { jobs, pods } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { JobBed } from './testing';
import { trackingFinalizer } from './tracked-pods';

let bed: JobBed;
beforeEach(async () => {
  bed = new JobBed();
  await bed.start();
});
afterEach(() => bed.cluster.close());

const names = (list: readonly Pod[]): (string | undefined)[] => list.map(({ metadata }) => metadata?.name).sort();
const first = async (): Promise<Pod> => {
  const [pod] = await bed.active();
  if (!pod) throw new Error('no active pod');
  return pod;
};

describe('a Job', () => {
  it('runs to its completions, never more than its parallelism at once, and is then Complete', async () => {
    await bed.run({ completions: 5, parallelism: 2 });
    for (let done = 0; done < 5; done++) {
      expect(await bed.active()).toHaveLength(Math.min(2, 5 - done));
      await bed.end(await first(), 0);
    }
    const { status } = await bed.job();
    expect([status?.succeeded, status?.active, status?.failed, status?.ready, status?.terminating, status?.uncountedTerminatedPods]).toEqual([5, undefined, undefined, 0, 0, {}]);
    expect(await bed.conditions()).toEqual(['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']);
    expect(status?.startTime && status.completionTime).toBeTruthy();
    expect((await bed.pods()).every(({ metadata }) => !metadata?.finalizers?.includes(trackingFinalizer))).toBe(true);
    await bed.clock.advance(5_000);
    expect((await bed.cluster.events('Completed')).map(({ message }) => message)).toEqual(['Job completed']);
    expect((await bed.cluster.events('SuccessfulCreate')).reduce((total, { count = 1 }) => total + count, 0)).toBe(5);
  });

  it('without completions is a work queue: when one worker succeeds no other is made, and when all have ended it is Complete', async () => {
    await bed.run({ parallelism: 3 });
    const [a, b, c] = await bed.active();
    await bed.end(a as Pod, 0);
    expect([(await bed.active()).length, await bed.conditions()]).toEqual([2, []]);
    await bed.end(b as Pod, 1);
    await bed.clock.advance(600_000);
    expect([(await bed.active()).length, await bed.conditions()]).toEqual([1, []]);
    await bed.end(c as Pod, 0);
    expect(await bed.conditions()).toContain('Complete CompletionsReached');
    expect((await bed.job()).status).toMatchObject({ succeeded: 2, failed: 1 });
  });

  it('of no completions is Complete at once; of no parallelism it waits', async () => {
    await bed.run({ completions: 0 }, 'nothing');
    expect(await bed.conditions('nothing')).toContain('Complete CompletionsReached');
    await bed.run({ completions: 1, parallelism: 0 });
    expect([await bed.pods(), await bed.conditions()]).toEqual([[], []]);
    await bed.change({ parallelism: 1 });
    expect(await bed.active()).toHaveLength(1);
  });

  it('replaces what fails after 10 s, 20 s, 40 s …, and a success forgives', async () => {
    await bed.run({ completions: 2, parallelism: 1, backoffLimit: 10 });
    for (const delayMs of [10_000, 20_000, 40_000]) {
      await bed.end(await first(), 1);
      await bed.clock.advance(delayMs - 1_001);
      expect(await bed.active()).toEqual([]);
      await bed.clock.advance(1_001);
      expect(await bed.active()).toHaveLength(1);
    }
    await bed.end(await first(), 0);
    expect(await bed.active()).toHaveLength(1);
    await bed.end(await first(), 1);
    await bed.clock.advance(10_000);
    expect(await bed.active()).toHaveLength(1);
  });

  it('that fails beyond its backoffLimit stops its other pods, and is Failed when they are gone', async () => {
    await bed.run({ completions: 3, parallelism: 3, backoffLimit: 0 });
    const [broken, ...others] = await bed.active();
    await bed.end(broken as Pod, 1);
    expect(await bed.conditions()).toEqual(['FailureTarget BackoffLimitExceeded']);
    expect(await bed.active()).toEqual([]);
    expect((await bed.job()).status).toMatchObject({ terminating: 2, failed: 3 });
    for (const pod of others) await bed.bury(pod);
    expect(await bed.conditions()).toEqual(['FailureTarget BackoffLimitExceeded', 'Failed BackoffLimitExceeded']);
    await bed.clock.advance(5_000);
    expect(await bed.cluster.events('BackoffLimitExceeded')).toHaveLength(1);
    expect((await bed.job()).status).toMatchObject({ terminating: 0, failed: 3 });
  });

  it('with restartPolicy OnFailure counts restarts in place against its backoffLimit', async () => {
    await bed.run({ backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure', containers: [{ name: 'main', image: 'work:1' }] } } });
    const pod = await first();
    const client = bed.cluster.api.client.resource(pods);
    await client.updateStatus({ ...pod, status: { phase: 'Running', containerStatuses: [{ name: 'main', restartCount: 2 }] } });
    await bed.cluster.settle();
    expect(await bed.conditions()).toEqual(['FailureTarget BackoffLimitExceeded']);
  });

  it('fails when it is active longer than activeDeadlineSeconds', async () => {
    await bed.run({ activeDeadlineSeconds: 60 });
    await bed.clock.advance(58_000);
    expect(await bed.conditions()).toEqual([]);
    const pod = await first();
    await bed.clock.advance(2_000);
    expect(await bed.conditions()).toEqual(['FailureTarget DeadlineExceeded']);
    await bed.bury(pod);
    expect(await bed.conditions()).toContain('Failed DeadlineExceeded');
  });

  it('that is suspended loses its pods without counting them, and begins its time anew when it is resumed', async () => {
    await bed.run({ completions: 2, parallelism: 2, activeDeadlineSeconds: 60 });
    const pair = await bed.active();
    await bed.clock.advance(50_000);
    await bed.change({ suspend: true });
    for (const pod of pair) await bed.bury(pod);
    expect([await bed.conditions(), (await bed.job()).status?.startTime, (await bed.job()).status?.failed, await bed.pods()]).toEqual([['Suspended JobSuspended'], undefined, undefined, []]);
    await bed.clock.advance(100_000);
    await bed.change({ suspend: false });
    expect([(await bed.active()).length, await bed.conditions()]).toEqual([2, []]);
    await bed.clock.advance(50_000);
    expect(await bed.active()).toHaveLength(2);
    await bed.clock.advance(10_000);
    expect(await bed.conditions()).toEqual(['FailureTarget DeadlineExceeded']);
    expect([(await bed.cluster.events('Suspended')).length, (await bed.cluster.events('Resumed')).length]).toEqual([1, 1]);
  });

  it('grows and shrinks with its parallelism; what is taken away is no failure', async () => {
    await bed.run({ completions: 10, parallelism: 2 });
    await bed.change({ parallelism: 4 });
    const four = await bed.active();
    expect(four).toHaveLength(4);
    await bed.change({ parallelism: 1 });
    expect(await bed.active()).toHaveLength(1);
    for (const pod of (await bed.pods()).filter(({ metadata }) => metadata?.deletionTimestamp)) await bed.bury(pod);
    expect((await bed.job()).status).toMatchObject({ active: 1, terminating: 0 });
    expect((await bed.job()).status?.failed).toBeUndefined();
  });

  it('tells how many of its pods are active and ready', async () => {
    await bed.run({ completions: 2, parallelism: 2 });
    await bed.ready(await first());
    expect((await bed.job()).status).toMatchObject({ active: 2, ready: 1 });
  });

  it('that another controller manages is left alone', async () => {
    await bed.run({ managedBy: 'example.com/queue' });
    await bed.clock.advance(1_000);
    expect([await bed.pods(), (await bed.job()).status]).toEqual([[], undefined]);
  });

  it('with a manual selector adopts the pods that match it, and counts them', async () => {
    const client = bed.cluster.api.client.resource(pods);
    await client.create({ metadata: { namespace: 'default', name: 'stray', labels: { app: 'own' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work:1' }] } });
    await bed.run({ manualSelector: true, selector: { matchLabels: { app: 'own' } }, completions: 1, template: { metadata: { labels: { app: 'own' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work:1' }] } } });
    expect(names(await bed.active())).toEqual(['stray']);
    await bed.end(await first(), 0);
    expect((await bed.job()).status?.succeeded).toBe(1);
  });

  it('does not take what another controls, though its selector matches', async () => {
    const client = bed.cluster.api.client.resource(pods);
    const foreign = { apiVersion: 'example.com/v1', kind: 'Other', name: 'x', uid: 'foreign', controller: true };
    await client.create({ metadata: { namespace: 'default', name: 'theirs', labels: { app: 'own' }, ownerReferences: [foreign] }, spec: { containers: [{ name: 'main', image: 'work:1' }] } });
    await bed.run({ manualSelector: true, selector: { matchLabels: { app: 'own' } }, template: { metadata: { labels: { app: 'own' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'work:1' }] } } });
    expect(names(await bed.active())).toHaveLength(2);
    expect((await client.get('default', 'theirs')).metadata?.ownerReferences).toEqual([foreign]);
  });

  it('with podReplacementPolicy Failed replaces a pod only when it has ended, and counts it then', async () => {
    await bed.run({ completions: 1, podReplacementPolicy: 'Failed' });
    const pod = await first();
    await bed.cluster.api.client.resource(pods).delete('default', pod.metadata?.name ?? '');
    await bed.clock.advance(60_000);
    expect([await bed.active(), (await bed.job()).status?.failed]).toEqual([[], undefined]);
    await bed.bury(pod);
    await bed.clock.advance(60_000);
    expect([(await bed.active()).length, (await bed.job()).status?.failed]).toEqual([1, 1]);
  });

  it('with podReplacementPolicy TerminatingOrFailed replaces and counts a pod that is only told to go', async () => {
    await bed.run({ completions: 1 });
    await bed.cluster.api.client.resource(pods).delete('default', (await first()).metadata?.name ?? '');
    await bed.clock.advance(60_000);
    expect([(await bed.active()).length, (await bed.job()).status?.failed]).toEqual([1, 1]);
  });

  it('whose pods are refused says so in an event and tries again, ever less often', async () => {
    const refuse = (): void => bed.cluster.api.failNext('create', new ApiError('Forbidden', 'exceeded quota: pods'), { plural: 'pods' });
    for (let n = 0; n < 12; n++) refuse();
    await bed.run({ completions: 4, parallelism: 4 });
    await bed.clock.advance(5_000);
    expect((await bed.cluster.events('FailedCreate')).map(({ message }) => message)).toEqual(['Error creating: exceeded quota: pods']);
    await bed.clock.advance(120_000);
    expect(await bed.active()).toHaveLength(4);
  });

  it('that is finished is not touched again, and its pods stay', async () => {
    await bed.run({ completions: 1 });
    await bed.end(await first(), 0);
    const writes = bed.cluster.api.writes.length;
    await bed.clock.advance(3_600_000);
    expect(bed.cluster.api.writes.slice(writes).filter((write) => / (jobs|pods) /.test(write))).toEqual([]);
    expect(await bed.pods()).toHaveLength(1);
  });

  it('that is deleted frees its pods of the finalizer', async () => {
    await bed.run({ completions: 1 });
    const pod = await first();
    await bed.cluster.api.client.resource(jobs).delete('default', 'work');
    await bed.cluster.settle();
    expect((await bed.cluster.api.client.resource(pods).get('default', pod.metadata?.name ?? '')).metadata?.finalizers).toBeUndefined();
  });
});
