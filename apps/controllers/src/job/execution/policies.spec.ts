import type { Job, PodFailurePolicyRule, SuccessPolicyRule } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { nextRecord, remainingDelayMs } from './backoff';
import { judgeFailure } from './failure-policy';
import { IndexSet } from './indexes';
import { metSuccessRule } from './success-policy';

const failedPod = (codes: Record<string, number>, conditions: Record<string, string> = {}, phase = 'Failed'): Pod => ({
  metadata: { namespace: 'team', name: 'p' },
  status: {
    phase, containerStatuses: Object.entries(codes).map(([name, exitCode]) => ({ name, state: { terminated: { exitCode } } })),
    conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })),
  },
});
const withRules = (...rules: PodFailurePolicyRule[]): Job => ({ spec: { podFailurePolicy: { rules } } });
const codes = (action: string, operator: string, values: number[], containerName?: string): PodFailurePolicyRule => ({ action, onExitCodes: { operator, values, containerName } });

describe('a pod failure policy', () => {
  it.each<[string, Job, Pod, string]>([
    ['without a rule counts', withRules(), failedPod({ a: 1 }), 'Count'],
    ['In matches one of its codes', withRules(codes('FailJob', 'In', [1, 2])), failedPod({ a: 2 }), 'FailJob'],
    ['In matches no other', withRules(codes('FailJob', 'In', [1, 2])), failedPod({ a: 3 }), 'Count'],
    ['NotIn matches what is not there', withRules(codes('Ignore', 'NotIn', [1, 2])), failedPod({ a: 3 }), 'Ignore'],
    ['NotIn never matches a success', withRules(codes('Ignore', 'NotIn', [1])), failedPod({ a: 0, b: 1 }), 'Count'],
    ['may mean one container only', withRules(codes('FailJob', 'In', [1], 'b')), failedPod({ a: 1, b: 2 }), 'Count'],
    ['takes the first rule that matches', withRules(codes('Ignore', 'In', [1]), codes('FailJob', 'In', [1])), failedPod({ a: 1 }), 'Ignore'],
    ['matches a condition of its status', withRules({ action: 'Ignore', onPodConditions: [{ type: 'X', status: 'False' }] }), failedPod({ a: 1 }, { X: 'False' }), 'Ignore'],
    ['matches no condition of another status', withRules({ action: 'Ignore', onPodConditions: [{ type: 'X', status: 'True' }] }), failedPod({ a: 1 }, { X: 'False' }), 'Count'],
    ['says nothing of a pod that has not ended', withRules(codes('FailJob', 'In', [1])), failedPod({ a: 1 }, {}, 'Running'), 'Count'],
    ['passes over an action that it does not know', withRules(codes('Explode', 'In', [1]), codes('Ignore', 'In', [1])), failedPod({ a: 1 }), 'Ignore'],
    ['passes over FailIndex where no limit per index is set', withRules(codes('FailIndex', 'In', [1])), failedPod({ a: 1 }), 'Count'],
  ])('%s', (_, job, pod, action) => {
    expect(judgeFailure(job, pod).action).toBe(action);
  });

  it('says which condition was the reason', () => {
    const rule = { action: 'FailJob', onPodConditions: [{ type: 'ConfigIssue', status: 'True' }] };
    expect(judgeFailure(withRules(rule), failedPod({}, { ConfigIssue: 'True' })).message).toBe('Pod team/p has condition ConfigIssue matching FailJob rule at index 0');
  });
});

describe('a success policy', () => {
  const met = (rules: SuccessPolicyRule[], succeeded: number[]): number | undefined => metSuccessRule({ spec: { completions: 10, successPolicy: { rules } } }, IndexSet.of(succeeded));
  it.each<[string, SuccessPolicyRule[], number[], number | undefined]>([
    ['without rules is never met', [], [1], undefined],
    ['wants all of its indexes', [{ succeededIndexes: '1-3' }], [1, 3], undefined],
    ['is met by all of its indexes', [{ succeededIndexes: '1-3' }], [1, 2, 3], 0],
    ['wants so many of its indexes', [{ succeededIndexes: '1-3', succeededCount: 2 }], [0, 3], undefined],
    ['is met by so many of its indexes', [{ succeededIndexes: '1-3', succeededCount: 2 }], [1, 3], 0],
    ['is met by so many of any', [{ succeededCount: 2 }], [5, 9], 0],
    ['names the first rule that is met', [{ succeededCount: 5 }, { succeededIndexes: '0' }, { succeededCount: 1 }], [0], 1],
  ])('%s', (_, rules, succeeded, rule) => {
    expect(met(rules, succeeded)).toBe(rule);
  });
});

describe('the back-off after failures', () => {
  it.each([[0, 0], [1, 10_000], [2, 20_000], [3, 40_000], [6, 320_000], [7, 360_000], [500, 360_000]])('after %i failures is %i ms', (failures, delayMs) => {
    expect(remainingDelayMs({ failures, lastFailureMs: 5_000 }, 5_000)).toBe(delayMs);
  });

  it('counts from the end of the pod, and a node whose clock is ahead prolongs nothing', () => {
    expect([remainingDelayMs({ failures: 1, lastFailureMs: 0 }, 4_000), remainingDelayMs({ failures: 1, lastFailureMs: 99_000 }, 4_000)]).toEqual([6_000, 10_000]);
  });

  it('counts failures since the latest success, in the order in which the pods ended', () => {
    const ended = [{ endedMs: 3, failed: true }, { endedMs: 1, failed: true }, { endedMs: 2, failed: false }];
    expect(nextRecord(undefined, ended)).toEqual({ failures: 1, lastFailureMs: 3 });
    expect(nextRecord({ failures: 4, lastFailureMs: 9 }, [{ endedMs: 12, failed: true }])).toEqual({ failures: 5, lastFailureMs: 12 });
    expect(nextRecord({ failures: 4, lastFailureMs: 9 }, [])).toEqual({ failures: 4, lastFailureMs: 9 });
  });
});
