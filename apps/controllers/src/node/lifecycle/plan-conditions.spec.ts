import type { Node, NodeCondition } from '@navarch/proto/k8s/io/api/core/v1/core';

import { Heartbeats } from './heartbeats';
import { conditionsOfSilent, readinessOf, silentAtMs } from './plan-conditions';

const nowMs = 1_700_000_000_000;
const withConditions = (...conditions: NodeCondition[]): Node => ({ metadata: { name: 'a', uid: 'u', creationTimestamp: { seconds: 100 } }, status: { conditions } });

describe('a silent node', () => {
  it('what its kubelet reported becomes Unknown in Kubernetes’ words, what others reported stays', () => {
    const network = { type: 'NetworkUnavailable', status: 'False' };
    const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status', lastHeartbeatTime: { seconds: 200 }, lastTransitionTime: { seconds: 150 } };
    const conditions = conditionsOfSilent(withConditions(ready, network, { type: 'MemoryPressure', status: 'False' }, { type: 'DiskPressure', status: 'False' }, { type: 'PIDPressure', status: 'False' }), nowMs);
    expect(conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual(['Ready=Unknown', 'NetworkUnavailable=False', 'MemoryPressure=Unknown', 'DiskPressure=Unknown', 'PIDPressure=Unknown']);
    expect(conditions?.[0]).toEqual({ ...ready, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: { seconds: nowMs / 1000 } });
  });

  it('one that never reported gets the conditions with NodeStatusNeverUpdated', () => {
    const conditions = conditionsOfSilent(withConditions(), nowMs);
    expect(conditions).toHaveLength(4);
    expect(conditions?.[0]).toEqual({
      type: 'Ready', status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.', lastHeartbeatTime: { seconds: 100 }, lastTransitionTime: { seconds: nowMs / 1000 },
    });
  });

  it('one that says so already is left alone', () => {
    const once = conditionsOfSilent(withConditions({ type: 'Ready', status: 'True' }), nowMs) ?? [];
    expect(conditionsOfSilent(withConditions(...once), nowMs + 1000)).toBeUndefined();
  });

  it('is so after the grace period, and after the startup grace period where it never reported', () => {
    const grace = { monitorMs: 40_000, startupMs: 60_000 };
    expect(silentAtMs(withConditions({ type: 'Ready', status: 'True' }), { seenMs: 1000 }, grace)).toBe(41_000);
    expect(silentAtMs(withConditions(), { seenMs: 1000 }, grace)).toBe(61_000);
  });

  it.each([[[], 'Unknown'], [[{ type: 'Ready', status: 'True' }], 'True'], [[{ type: 'Ready', status: 'False' }], 'False'], [[{ type: 'Ready', status: 'odd' }], 'Unknown']])('readiness of %j is %s', (conditions, expected) => {
    expect(readinessOf(withConditions(...conditions))).toBe(expected);
  });
});

describe('signs of life', () => {
  const lease = (seconds: number) => ({ spec: { renewTime: { seconds } } });
  const node = withConditions({ type: 'Ready', status: 'True', lastHeartbeatTime: { seconds: 5 } });

  it('are counted by our own clock: a renewal with a time from the past counts, the same one again does not', () => {
    const heartbeats = new Heartbeats();
    expect(heartbeats.see(node, lease(9_999_999), 1000).seenMs).toBe(1000);
    expect(heartbeats.see(node, lease(9_999_999), 5000).seenMs).toBe(1000);
    expect(heartbeats.see(node, lease(1), 6000).seenMs).toBe(6000);
  });

  it('are a renewed Lease or a reported status, and a node made again starts anew', () => {
    const heartbeats = new Heartbeats();
    heartbeats.see(node, undefined, 1000);
    expect(heartbeats.see(withConditions({ type: 'Ready', status: 'True', lastHeartbeatTime: { seconds: 6 } }), undefined, 2000).seenMs).toBe(2000);
    expect(heartbeats.see(withConditions({ type: 'Ready', status: 'Unknown', lastHeartbeatTime: { seconds: 6 } }), undefined, 3000).seenMs).toBe(2000);
    heartbeats.forget('a');
    expect(heartbeats.see(node, undefined, 4000).seenMs).toBe(4000);
  });
});
