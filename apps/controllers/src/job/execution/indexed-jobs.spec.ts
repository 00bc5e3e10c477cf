import { pods } from '@navarch/api';
import type { JobSpec } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { JobBed } from './testing';
import { failureCountKey, ignoredFailureCountKey, indexKey } from './tracked-pods';

let bed: JobBed;
beforeEach(async () => {
  bed = new JobBed();
  await bed.start();
});
afterEach(() => bed.cluster.close());

const indexed = (spec: JobSpec): JobSpec => ({ completionMode: 'Indexed', ...spec });
const indexesOf = (list: readonly Pod[]): number[] => list.map(({ metadata }) => Number(metadata?.annotations?.[indexKey])).sort((a, b) => a - b);
const activeIndexes = async (): Promise<number[]> => indexesOf(await bed.active());
const fail = async (index: number, exitCode = 1, conditions: { type: string; status: string }[] = []): Promise<void> => bed.end(await bed.ofIndex(index), exitCode, conditions);
const succeed = async (index: number): Promise<void> => bed.end(await bed.ofIndex(index), 0);

describe('an indexed Job', () => {
  it('gives each pod its index: in name, host name, label, annotation and JOB_COMPLETION_INDEX', async () => {
    await bed.run(indexed({ completions: 3, parallelism: 3, template: { spec: { restartPolicy: 'Never', initContainers: [{ name: 'init', image: 'i' }], containers: [{ name: 'main', image: 'i' }, { name: 'own', image: 'i', env: [{ name: 'JOB_COMPLETION_INDEX', value: 'mine' }] }] } } }));
    expect(await activeIndexes()).toEqual([0, 1, 2]);
    const { metadata, spec } = await bed.ofIndex(2);
    expect(metadata?.name).toMatch(/^work-2-[a-z0-9]{5}$/);
    expect([spec?.hostname, metadata?.labels?.[indexKey]]).toEqual(['work-2', '2']);
    const variable = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${indexKey}']` } } };
    expect([spec?.initContainers?.[0]?.env, spec?.containers?.[0]?.env, spec?.containers?.[1]?.env]).toEqual([[variable], [variable], [{ name: 'JOB_COMPLETION_INDEX', value: 'mine' }]]);
  });

  it('completes each index once, the lowest first', async () => {
    await bed.run(indexed({ completions: 5, parallelism: 2 }));
    expect(await activeIndexes()).toEqual([0, 1]);
    await succeed(1);
    expect(await activeIndexes()).toEqual([0, 2]);
    await succeed(2);
    await succeed(3);
    expect((await bed.job()).status).toMatchObject({ completedIndexes: '1-3', succeeded: 3 });
    await succeed(0);
    await succeed(4);
    expect([(await bed.job()).status?.completedIndexes, await bed.conditions()]).toEqual(['0-4', ['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']]);
  });

  it('is elastic: grows and shrinks with its parallelism, and what lies beyond its end is taken away', async () => {
    await bed.run(indexed({ completions: 3, parallelism: 3 }));
    await bed.change({ completions: 5, parallelism: 5 });
    expect(await activeIndexes()).toEqual([0, 1, 2, 3, 4]);
    await bed.change({ completions: 2, parallelism: 2 });
    expect(await activeIndexes()).toEqual([0, 1]);
    for (const pod of (await bed.pods()).filter(({ metadata }) => metadata?.deletionTimestamp)) await bed.bury(pod);
    await succeed(0);
    await succeed(1);
    expect([(await bed.job()).status?.completedIndexes, (await bed.job()).status?.failed]).toEqual(['0,1', undefined]);
  });

  it('that shrinks loses the successes beyond its end, and runs them again when it grows', async () => {
    await bed.run(indexed({ completions: 3, parallelism: 3 }));
    await succeed(2);
    await bed.change({ completions: 2, parallelism: 2 });
    expect([(await bed.job()).status?.completedIndexes, (await bed.job()).status?.succeeded]).toEqual([undefined, undefined]);
    await bed.change({ completions: 3, parallelism: 3 });
    expect(await activeIndexes()).toEqual([0, 1, 2]);
  });

  it('keeps one pod per index: of two the second is taken away', async () => {
    await bed.run(indexed({ completions: 2, parallelism: 2 }));
    const original = await bed.ofIndex(1);
    const { namespace, labels, annotations, ownerReferences, finalizers } = original.metadata ?? {};
    await bed.cluster.api.client.resource(pods).create({ metadata: { namespace, name: 'double', labels, annotations, ownerReferences, finalizers }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'i' }] } });
    await bed.cluster.settle();
    expect(await activeIndexes()).toEqual([0, 1]);
    expect((await bed.job()).status?.failed).toBeUndefined();
  });
});

describe('an indexed Job with a back-off limit per index', () => {
  it('lets each index fail so often, and is Failed when all others are done', async () => {
    await bed.run(indexed({ completions: 3, parallelism: 3, backoffLimitPerIndex: 1 }));
    await fail(1);
    expect(await activeIndexes()).toEqual([0, 2]);
    await bed.clock.advance(10_000);
    const again = await bed.ofIndex(1);
    expect(again.metadata?.annotations?.[failureCountKey]).toBe('1');
    await fail(1);
    await bed.clock.advance(60_000);
    expect([await activeIndexes(), (await bed.job()).status?.failedIndexes, await bed.conditions()]).toEqual([[0, 2], '1', []]);
    await succeed(0);
    await succeed(2);
    expect(await bed.conditions()).toEqual(['FailureTarget FailedIndexes', 'Failed FailedIndexes']);
    expect((await bed.job()).status).toMatchObject({ completedIndexes: '0,2', failedIndexes: '1', failed: 2, succeeded: 2 });
  });

  it('holds back only the index that has failed', async () => {
    await bed.run(indexed({ completions: 3, parallelism: 1, backoffLimitPerIndex: 3 }));
    await fail(0);
    expect(await activeIndexes()).toEqual([1]);
    await bed.clock.advance(10_000);
    await succeed(1);
    expect(await activeIndexes()).toEqual([0]);
  });

  it('fails as a whole beyond maxFailedIndexes, and stops the rest', async () => {
    await bed.run(indexed({ completions: 4, parallelism: 4, backoffLimitPerIndex: 0, maxFailedIndexes: 1 }));
    await fail(0);
    expect(await bed.conditions()).toEqual([]);
    await fail(3);
    expect([await bed.conditions(), await activeIndexes()]).toEqual([['FailureTarget MaxFailedIndexesExceeded'], []]);
  });

  it('gives an index up at once where its failure policy says FailIndex', async () => {
    const rules = [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [42] } }];
    await bed.run(indexed({ completions: 2, parallelism: 2, backoffLimitPerIndex: 5, podFailurePolicy: { rules } }));
    await fail(0, 42);
    await bed.clock.advance(60_000);
    expect([await activeIndexes(), (await bed.job()).status?.failedIndexes]).toEqual([[1], '0']);
  });

  it('does not count what its policy ignores, but waits after it ever longer', async () => {
    const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }];
    await bed.run(indexed({ completions: 1, parallelism: 1, backoffLimitPerIndex: 0, podFailurePolicy: { rules } }));
    for (const delayMs of [10_000, 20_000]) {
      await fail(0, 137, [{ type: 'DisruptionTarget', status: 'True' }]);
      await bed.clock.advance(delayMs - 1_001);
      expect(await activeIndexes()).toEqual([]);
      await bed.clock.advance(1_001);
      expect(await activeIndexes()).toEqual([0]);
    }
    expect((await bed.ofIndex(0)).metadata?.annotations).toMatchObject({ [failureCountKey]: '0', [ignoredFailureCountKey]: '2' });
    expect([(await bed.job()).status?.failed, (await bed.job()).status?.failedIndexes]).toEqual([undefined, '']);
  });
});

describe('a Job with a pod failure policy', () => {
  it('fails at once on an exit code of a FailJob rule, and says which', async () => {
    const rules = [{ action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [42] } }];
    await bed.run({ completions: 2, backoffLimit: 6, podFailurePolicy: { rules } });
    const [pod] = await bed.active();
    await bed.end(pod as Pod, 42);
    expect(await bed.conditions()).toEqual(['FailureTarget PodFailurePolicy', 'Failed PodFailurePolicy']);
    const failed = (await bed.job()).status?.conditions?.find(({ type }) => type === 'Failed');
    expect(failed?.message).toBe(`Container main for pod default/${pod?.metadata?.name} failed with exit code 42 matching FailJob rule at index 0`);
  });

  it('does not count a disrupted pod that it ignores against its backoffLimit', async () => {
    const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }];
    await bed.run({ backoffLimit: 0, podFailurePolicy: { rules } });
    await bed.end((await bed.active())[0] as Pod, 137, [{ type: 'DisruptionTarget', status: 'True' }]);
    await bed.clock.advance(10_000);
    expect([(await bed.active()).length, (await bed.job()).status?.failed]).toEqual([1, undefined]);
    await bed.end((await bed.active())[0] as Pod, 1);
    expect(await bed.conditions()).toContain('Failed BackoffLimitExceeded');
  });
});

describe('a Job with a success policy', () => {
  it('succeeds when the indexes of a rule have, and stops the others', async () => {
    await bed.run(indexed({ completions: 4, parallelism: 4, successPolicy: { rules: [{ succeededIndexes: '1-3', succeededCount: 2 }] } }));
    await succeed(0);
    await succeed(1);
    expect(await bed.conditions()).toEqual([]);
    await succeed(3);
    expect([await bed.conditions(), await activeIndexes()]).toEqual([['SuccessCriteriaMet SuccessPolicy'], []]);
    for (const pod of (await bed.pods()).filter(({ metadata }) => metadata?.deletionTimestamp)) await bed.bury(pod);
    expect(await bed.conditions()).toEqual(['SuccessCriteriaMet SuccessPolicy', 'Complete SuccessPolicy']);
  });
});
