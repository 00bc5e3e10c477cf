import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { missingNodes, planCollection } from './plan-collection';

const pod = (name: string, over: { node?: string; phase?: string; reason?: string; terminating?: boolean; created?: number } = {}): Pod => ({
  metadata: { name, creationTimestamp: { seconds: over.created ?? 1 }, ...(over.terminating && { deletionTimestamp: { seconds: 2 } }) },
  spec: { ...(over.node && { nodeName: over.node }) }, status: { phase: over.phase ?? 'Running', ...(over.reason && { reason: over.reason }) },
});
const node = (name: string, ready = 'True', ...taintKeys: string[]): Node => ({
  metadata: { name }, spec: { taints: taintKeys.map((key) => ({ key, effect: 'NoExecute' })) }, status: { conditions: [{ type: 'Ready', status: ready }] },
});
const plan = (pods: Pod[], over: { nodes?: Node[]; gone?: string[]; threshold?: number } = {}): string[] =>
  planCollection({ pods, nodes: over.nodes ?? [node('a')], goneNodes: new Set(over.gone), terminatedPodThreshold: over.threshold ?? 0 }).map(({ pod: { metadata }, reason }) => `${metadata?.name}: ${reason}`);

describe('pods to collect', () => {
  it('pods of gone nodes, finished or not; pods of present and of only lately missing nodes stay', () => {
    expect(plan([pod('x', { node: 'gone' }), pod('y', { node: 'gone', phase: 'Succeeded' }), pod('z', { node: 'a' }), pod('w', { node: 'lately' }), pod('v')], { gone: ['gone'] })).toEqual(['x: orphaned', 'y: orphaned']);
  });

  it('terminating pods on no node; terminating pods on a node are its kubelet’s', () => {
    expect(plan([pod('x', { terminating: true }), pod('y', { terminating: true, node: 'a' }), pod('z')])).toEqual(['x: unscheduled']);
  });

  it('terminating pods of a node that is out of service and not ready', () => {
    const nodes = [node('down', 'Unknown', 'node.kubernetes.io/out-of-service'), node('up', 'True', 'node.kubernetes.io/out-of-service'), node('silent', 'Unknown')];
    expect(plan([pod('x', { terminating: true, node: 'down' }), pod('y', { node: 'down' }), pod('z', { terminating: true, node: 'up' }), pod('w', { terminating: true, node: 'silent' })], { nodes })).toEqual(['x: out-of-service']);
  });

  it('terminated pods beyond the threshold: evicted ones first, then the oldest', () => {
    const pods = [
      pod('new', { phase: 'Succeeded', created: 50, node: 'a' }), pod('old', { phase: 'Failed', created: 10, node: 'a' }), pod('running', { created: 1, node: 'a' }),
      pod('evicted', { phase: 'Failed', reason: 'Evicted', created: 40, node: 'a' }), pod('middle', { phase: 'Succeeded', created: 30, node: 'a' }),
    ];
    expect(plan(pods, { threshold: 2 })).toEqual(['evicted: terminated', 'old: terminated']);
    expect(plan(pods, { threshold: 4 })).toEqual([]);
    expect(plan(pods, { threshold: 0 })).toEqual([]);
  });

  it('a pod with two reasons is collected once', () => {
    expect(plan([pod('x', { node: 'gone', phase: 'Failed' }), pod('y', { node: 'a', phase: 'Failed' })], { gone: ['gone'], threshold: 1 })).toEqual(['x: orphaned']);
  });

  it('missing nodes are those that pods name and that are not there', () => {
    expect([...missingNodes([pod('x', { node: 'a' }), pod('y', { node: 'b' }), pod('z')], [node('a')])]).toEqual(['b']);
  });
});
