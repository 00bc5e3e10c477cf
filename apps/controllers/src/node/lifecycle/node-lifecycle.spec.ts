import { nodes, pods } from '@navarch/api';

import { ControllerCluster } from '../../testing/cluster';

const unreachable = ['unreachable:NoExecute', 'unreachable:NoSchedule'];
const patient = (seconds: number) => ['not-ready', 'unreachable'].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }));

describe('the life cycle of nodes', () => {
  let cluster: ControllerCluster;
  beforeEach(() => {
    cluster = new ControllerCluster();
  });
  afterEach(() => cluster.close());

  it('a node that renews its Lease stays ready, however long it says nothing else', async () => {
    await cluster.start();
    await cluster.addNode('a');
    await cluster.clock.advance(600_000);
    expect([await cluster.conditionOf('a'), await cluster.taintsOf('a')]).toEqual(['True', []]);
  });

  it('a node whose Lease is not renewed becomes Unknown after the grace period of 40 s, not before, and gets its taints', async () => {
    await cluster.start();
    await cluster.addNode('a');
    await cluster.addNode('b');
    await cluster.clock.advance(100_000);
    cluster.silence('a');
    await cluster.clock.advance(29_000);
    expect(await cluster.conditionOf('a')).toBe('True');
    await cluster.clock.advance(12_000);
    expect([await cluster.conditionOf('a'), await cluster.conditionOf('a', 'MemoryPressure'), await cluster.taintsOf('a')]).toEqual(['Unknown NodeStatusUnknown', 'Unknown NodeStatusUnknown', unreachable]);
    expect([await cluster.conditionOf('b'), await cluster.taintsOf('b')]).toEqual(['True', []]);
    expect((await cluster.events('NodeNotReady')).map(({ involvedObject }) => involvedObject?.name)).toContain('a');
  });

  it('its pods are no longer ready, and when it comes back the taints go at once', async () => {
    await cluster.start();
    await cluster.addNode('a');
    await cluster.addNode('b');
    await cluster.addPod('web', 'a', { tolerations: patient(300) });
    cluster.silence('a');
    await cluster.clock.advance(60_000);
    const pod = await cluster.api.client.resource(pods).get('default', 'web');
    expect(pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
    await cluster.revive('a');
    await cluster.clock.advance(100);
    expect([await cluster.conditionOf('a'), await cluster.taintsOf('a'), await cluster.podNames()]).toEqual(['True', [], ['web']]);
  });

  it('a node that never reports gets the startup grace period and then says NodeStatusNeverUpdated', async () => {
    await cluster.start();
    await cluster.addNode('b');
    await cluster.api.client.resource(nodes).create({ metadata: { name: 'a' } });
    await cluster.clock.advance(59_000);
    expect(await cluster.conditionOf('a')).toBeUndefined();
    await cluster.clock.advance(2_000);
    expect(await cluster.conditionOf('a')).toBe('Unknown NodeStatusNeverUpdated');
  });

  it('pressure and unschedulable keep new pods away and take effect without delay', async () => {
    await cluster.start();
    await cluster.addNode('a');
    await cluster.setCondition('a', 'DiskPressure', 'True');
    await cluster.api.client.resource(nodes).patch('', 'a', 'application/merge-patch+json', { spec: { unschedulable: true } });
    await cluster.clock.advance(100);
    expect(await cluster.taintsOf('a')).toEqual(['disk-pressure:NoSchedule', 'unschedulable:NoSchedule']);
    await cluster.setCondition('a', 'DiskPressure', 'False');
    await cluster.clock.advance(100);
    expect(await cluster.taintsOf('a')).toEqual(['unschedulable:NoSchedule']);
  });

  it('nodes that fail together are evicted from one after another: one in ten seconds', async () => {
    await cluster.start();
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    for (const name of names) await cluster.addNode(name);
    await cluster.clock.advance(20_000);
    for (const name of ['a', 'b', 'c']) cluster.silence(name);
    const evicted = async (): Promise<number> => (await Promise.all(names.map((name) => cluster.taintsOf(name)))).filter((taints) => taints.includes('unreachable:NoExecute')).length;
    const kept = async (): Promise<number> => (await Promise.all(names.map((name) => cluster.taintsOf(name)))).filter((taints) => taints.includes('unreachable:NoSchedule')).length;
    await cluster.clock.advance(46_000);
    expect([await kept(), await evicted()]).toEqual([3, 1]);
    await cluster.clock.advance(8_000);
    expect(await evicted()).toBe(2);
    await cluster.clock.advance(10_000);
    expect(await evicted()).toBe(3);
  });

  it('when all nodes fall silent at once nobody is driven away: the control plane is likelier to be cut off', async () => {
    await cluster.start();
    for (const name of ['a', 'b']) await cluster.addNode(name);
    await cluster.addPod('web', 'a', { tolerations: patient(60) });
    await cluster.clock.advance(20_000);
    for (const name of ['a', 'b']) cluster.silence(name);
    await cluster.clock.advance(120_000);
    expect([await cluster.conditionOf('a'), await cluster.taintsOf('a'), await cluster.taintsOf('b'), await cluster.podNames()]).toEqual(['Unknown NodeStatusUnknown', ['unreachable:NoSchedule'], ['unreachable:NoSchedule'], ['web']]);
  });

  it('a new leader gives every node its whole grace period', async () => {
    const first = await cluster.start();
    for (const name of ['a', 'b']) await cluster.addNode(name);
    await cluster.clock.advance(20_000);
    cluster.silence('a');
    await cluster.clock.advance(20_000);
    await cluster.stop(first);
    await cluster.start();
    await cluster.clock.advance(35_000);
    expect(await cluster.conditionOf('a')).toBe('True');
    await cluster.clock.advance(15_000);
    expect(await cluster.conditionOf('a')).toBe('Unknown NodeStatusUnknown');
  });
});

describe('eviction by taints', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
    for (const name of ['a', 'b', 'c']) await cluster.addNode(name);
  });
  afterEach(() => cluster.close());
  const taint = (taints: object[] | null) => cluster.api.client.resource(nodes).patch('', 'a', 'application/merge-patch+json', { spec: { taints: taints as never } });
  const mine = { key: 'example.com/mine', effect: 'NoExecute' };

  it('a taint set by hand drives away at once who does not tolerate it, later who tolerates it for a time, never who tolerates it', async () => {
    await cluster.addPod('none', 'a');
    await cluster.addPod('sixty', 'a', { tolerations: [{ key: mine.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }] });
    await cluster.addPod('ever', 'a', { tolerations: [{ key: mine.key, operator: 'Exists' }] });
    await cluster.addPod('elsewhere', 'b');
    await cluster.clock.advance(1_000);
    await taint([mine]);
    await cluster.clock.advance(1_000);
    expect(await cluster.podNames()).toEqual(['elsewhere', 'ever', 'sixty']);
    await cluster.clock.advance(58_000);
    expect(await cluster.podNames()).toEqual(['elsewhere', 'ever', 'sixty']);
    await cluster.clock.advance(2_000);
    expect(await cluster.podNames()).toEqual(['elsewhere', 'ever']);
    expect((await cluster.events('TaintManagerEviction')).map(({ involvedObject }) => involvedObject?.name).sort()).toEqual(['none', 'sixty']);
  });

  it('a taint that goes in time saves the pod, and it is told', async () => {
    await cluster.addPod('sixty', 'a', { tolerations: [{ key: mine.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }] });
    await taint([mine]);
    await cluster.clock.advance(30_000);
    await taint(null);
    await cluster.clock.advance(120_000);
    expect(await cluster.podNames()).toEqual(['sixty']);
    expect((await cluster.events('TaintManagerEviction')).map(({ message }) => message)).toEqual(['Cancelling deletion of Pod default/sixty']);
  });

  it('an evicted pod says why in its condition before it goes', async () => {
    await cluster.addPod('held', 'a', { finalizers: ['example.com/hold'] });
    await taint([mine]);
    await cluster.clock.advance(1_000);
    const pod = await cluster.api.client.resource(pods).get('default', 'held');
    expect(pod.metadata?.deletionTimestamp).toBeDefined();
    expect(pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'DeletionByTaintManager' });
  });

  it('pods of a silent node go after their tolerationSeconds', async () => {
    await cluster.addPod('web', 'a', { tolerations: patient(30) });
    await cluster.clock.advance(20_000);
    cluster.silence('a');
    await cluster.clock.advance(45_000);
    expect([await cluster.taintsOf('a'), await cluster.podNames()]).toEqual([unreachable, ['web']]);
    await cluster.clock.advance(31_000);
    expect(await cluster.podNames()).toEqual([]);
  });
});
