import type { NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration } from '@navarch/proto/k8s/io/api/core/v1/core';

import { node, pod, TestCluster, container, type NodeShape, type PodShape } from '../testing/builders';

/** One node, one pod: where it goes or why not. */
function verdict(nodeShape: NodeShape, podShape: PodShape): string {
  const found = new TestCluster().nodes(node('n1', nodeShape)).decide(pod('p', podShape));
  return found.node ?? found.message ?? '';
}

const refused = (reason: string): string => `0/1 nodes are available: 1 ${reason}.`;

describe('NodeName', () => {
  it('lets a pod that names its node go nowhere else', () => {
    const cluster = new TestCluster().nodes(node('n1'), node('n2'));
    expect(cluster.decide(pod('p', { spec: { nodeName: 'n2', containers: [] } })).node).toBe('n2');
    expect(cluster.decide(pod('p', { spec: { nodeName: 'n3', containers: [] } })).message).toBe("0/2 nodes are available: 2 node(s) didn't match the requested node name.");
  });
});

describe('NodeUnschedulable', () => {
  it('keeps pods off a cordoned node', () => {
    expect(verdict({ unschedulable: true }, {})).toBe(refused('node(s) were unschedulable'));
  });

  it.each<[string, Toleration]>([
    ['the cordon taint', { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }],
    ['everything', { operator: 'Exists' }],
  ])('lets a pod pass that tolerates %s', (_name, toleration) => {
    expect(verdict({ unschedulable: true }, { spec: { containers: [container({})], tolerations: [toleration] } })).toBe('n1');
  });
});

describe('TaintToleration', () => {
  const taint: Taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };
  const rejection = refused('node(s) had untolerated taint {dedicated: gpu}');

  it.each<[string, Taint, Toleration | undefined, string]>([
    ['no toleration', taint, undefined, rejection],
    ['equal key, value and effect', taint, { key: 'dedicated', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }, 'n1'],
    ['the operator left out means Equal', taint, { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }, 'n1'],
    ['another value', taint, { key: 'dedicated', value: 'cpu', effect: 'NoSchedule' }, rejection],
    ['Exists needs no value', taint, { key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }, 'n1'],
    ['no effect means every effect', taint, { key: 'dedicated', operator: 'Exists' }, 'n1'],
    ['another effect', taint, { key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, rejection],
    ['no key with Exists means every taint', taint, { operator: 'Exists' }, 'n1'],
    ['no key with Equal matches nothing', taint, { operator: 'Equal' }, rejection],
    ['NoExecute keeps pods off too', { ...taint, effect: 'NoExecute' }, undefined, rejection],
    ['PreferNoSchedule does not', { ...taint, effect: 'PreferNoSchedule' }, undefined, 'n1'],
    ['a taint without value', { key: 'k', effect: 'NoSchedule' }, undefined, refused('node(s) had untolerated taint {k: }')],
  ])('%s', (_name, nodeTaint, toleration, expected) => {
    expect(verdict({ taints: [nodeTaint] }, { spec: { containers: [container({})], ...(toleration && { tolerations: [toleration] }) } })).toBe(expected);
  });

  it('prefers the node with fewer untolerated PreferNoSchedule taints', () => {
    const soft = (key: string): Taint => ({ key, effect: 'PreferNoSchedule' });
    const cluster = new TestCluster().nodes(node('two', { taints: [soft('a'), soft('b')] }), node('one', { taints: [soft('a')] }), node('three', { taints: [soft('a'), soft('b'), soft('c')] }));
    expect(cluster.decide(pod('p')).node).toBe('one');
    const tolerant = pod('q', { spec: { containers: [container({})], tolerations: [{ key: 'b', operator: 'Exists' }, { key: 'a', operator: 'Exists', effect: 'PreferNoSchedule' }] } });
    expect(cluster.decide(tolerant).node).not.toBe('three');
  });
});

describe('NodeAffinity', () => {
  const rejection = refused("node(s) didn't match Pod's node affinity/selector");
  const required = (...nodeSelectorTerms: NodeSelectorTerm[]): PodSpec =>
    ({ containers: [container({})], affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } });
  const labelled = { labels: { zone: 'a', cores: '8' } };

  it.each<[string, Record<string, string>, string]>([
    ['all labels there', { zone: 'a', cores: '8' }, 'n1'],
    ['another value', { zone: 'b' }, rejection],
    ['a label missing', { zone: 'a', disk: 'ssd' }, rejection],
  ])('nodeSelector: %s', (_name, nodeSelector, expected) => {
    expect(verdict(labelled, { spec: { containers: [container({})], nodeSelector } })).toBe(expected);
  });

  it.each<[NodeSelectorRequirement, boolean]>([
    [{ key: 'zone', operator: 'In', values: ['b', 'a'] }, true],
    [{ key: 'zone', operator: 'In', values: ['b'] }, false],
    [{ key: 'disk', operator: 'In', values: ['ssd'] }, false],
    [{ key: 'zone', operator: 'NotIn', values: ['b'] }, true],
    [{ key: 'zone', operator: 'NotIn', values: ['a'] }, false],
    [{ key: 'disk', operator: 'NotIn', values: ['ssd'] }, true],
    [{ key: 'zone', operator: 'Exists' }, true],
    [{ key: 'disk', operator: 'Exists' }, false],
    [{ key: 'disk', operator: 'DoesNotExist' }, true],
    [{ key: 'zone', operator: 'DoesNotExist' }, false],
    [{ key: 'cores', operator: 'Gt', values: ['7'] }, true],
    [{ key: 'cores', operator: 'Gt', values: ['8'] }, false],
    [{ key: 'cores', operator: 'Lt', values: ['9'] }, true],
    [{ key: 'cores', operator: 'Lt', values: ['8'] }, false],
    [{ key: 'zone', operator: 'Gt', values: ['1'] }, false],
    [{ key: 'disk', operator: 'Lt', values: ['1'] }, false],
    [{ key: 'zone', operator: 'Sideways', values: ['a'] }, false],
  ])('required expression %j', (requirement, matches) => {
    expect(verdict(labelled, { spec: required({ matchExpressions: [requirement] }) })).toBe(matches ? 'n1' : rejection);
  });

  it('takes terms as alternatives and the requirements of one term together', () => {
    const here: NodeSelectorRequirement = { key: 'zone', operator: 'In', values: ['a'] };
    const elsewhere: NodeSelectorRequirement = { key: 'zone', operator: 'In', values: ['b'] };
    expect(verdict(labelled, { spec: required({ matchExpressions: [elsewhere] }, { matchExpressions: [here] }) })).toBe('n1');
    expect(verdict(labelled, { spec: required({ matchExpressions: [here, elsewhere] }) })).toBe(rejection);
  });

  it('lets an empty term match nothing', () => {
    expect(verdict(labelled, { spec: required({}) })).toBe(rejection);
    expect(verdict(labelled, { spec: required() })).toBe(rejection);
  });

  it('needs nodeSelector and affinity both', () => {
    const spec = { ...required({ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }), nodeSelector: { zone: 'b' } };
    expect(verdict(labelled, { spec })).toBe(rejection);
  });

  it('looks at the named node only, where every term names one, as for a DaemonSet pod', () => {
    const cluster = new TestCluster().nodes(node('n1'), node('n2'), node('n3'));
    const only = (...values: string[]): NodeSelectorTerm => ({ matchFields: [{ key: 'metadata.name', operator: 'In', values }] });
    expect(cluster.decide(pod('p', { spec: required(only('n2')) }))).toMatchObject({ node: 'n2', evaluated: 1 });
    expect(cluster.decide(pod('p', { spec: required(only('gone')) })).message).toBe("0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [NodeAffinity].");
    const conflict: NodeSelectorTerm = { matchFields: [...(only('n1').matchFields ?? []), ...(only('n2').matchFields ?? [])] };
    expect(cluster.decide(pod('p', { spec: required(conflict) })).message).toBe('0/3 nodes are available: pod affinity terms conflict.');
  });

  it('prefers nodes by the sum of the weights that match', () => {
    const cluster = new TestCluster().nodes(node('plain'), node('ssd', { labels: { disk: 'ssd' } }), node('both', { labels: { disk: 'ssd', zone: 'a' } }));
    const preferred = [
      { weight: 10, preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] } },
      { weight: 50, preference: { matchExpressions: [{ key: 'zone', operator: 'Exists' }] } },
    ];
    const spec = { containers: [container({})], affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } } };
    expect(cluster.decide(pod('p', { spec })).node).toBe('both');
  });

  it('adds the affinity of the profile', () => {
    const addedAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'Exists' }] }] } };
    const cluster = new TestCluster({ profile: { pluginConfig: [{ name: 'NodeAffinity', args: { addedAffinity } }] } });
    expect(cluster.nodes(node('n1')).decide(pod('p')).message).toBe(refused("node(s) didn't match scheduler-enforced node affinity"));
    expect(cluster.nodes(node('n2', { labels: { pool: 'x' } })).decide(pod('p')).node).toBe('n2');
  });
});

describe('NodePorts', () => {
  const rejection = refused("node(s) didn't have free ports for the requested pod ports");

  it.each<[string, PodShape['hostPorts'], PodShape['hostPorts'], boolean]>([
    ['the same port', [{ port: 80 }], [{ port: 80 }], false],
    ['another port', [{ port: 80 }], [{ port: 81 }], true],
    ['another protocol', [{ port: 80, protocol: 'UDP' }], [{ port: 80 }], true],
    ['other addresses', [{ port: 80, ip: '127.0.0.1' }], [{ port: 80, ip: '127.0.0.2' }], true],
    ['the same address', [{ port: 80, ip: '127.0.0.1' }], [{ port: 80, ip: '127.0.0.1' }], false],
    ['every address there, one wanted', [{ port: 80 }], [{ port: 80, ip: '127.0.0.1' }], false],
    ['one address there, every wanted', [{ port: 80, ip: '127.0.0.1' }], [{ port: 80, ip: '0.0.0.0' }], false],
  ])('%s', (_name, taken, wanted, fits) => {
    const cluster = new TestCluster().nodes(node('n1')).running('n1', pod('first', { hostPorts: taken }));
    const found = cluster.decide(pod('second', { hostPorts: wanted }));
    expect(found.node ?? found.message).toBe(fits ? 'n1' : rejection);
  });

  it('frees a port with the pod that held it', () => {
    const cluster = new TestCluster().nodes(node('n1')).running('n1', pod('first', { hostPorts: [{ port: 80 }] }));
    cluster.cache.remove('pod-first');
    expect(cluster.decide(pod('second', { hostPorts: [{ port: 80 }] })).node).toBe('n1');
  });
});

describe('NodeResourcesFit', () => {
  it.each<[string, NodeShape, PodShape, string]>([
    ['exactly what is there', { cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' }, 'n1'],
    ['too much cpu', { cpu: '1' }, { cpu: '1001m' }, refused('Insufficient cpu')],
    ['too much memory', { memory: '1Gi' }, { memory: '1025Mi' }, refused('Insufficient memory')],
    ['both', { cpu: '1', memory: '1Gi' }, { cpu: '2', memory: '2Gi' }, '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.'],
    ['no place for one more pod', { pods: '0' }, {}, refused('Too many pods')],
    ['an extended resource that no node has', {}, { requests: { 'example.com/gpu': '1' } }, refused('Insufficient example.com/gpu')],
    ['an extended resource', { extended: { 'example.com/gpu': '2' } }, { requests: { 'example.com/gpu': '2' } }, 'n1'],
    ['nothing asked, nothing free', { cpu: '0', memory: '0' }, {}, 'n1'],
  ])('%s', (_name, nodeShape, podShape, expected) => {
    expect(verdict(nodeShape, podShape)).toBe(expected);
  });

  it('counts what the pods on a node have asked for, and the place each takes', () => {
    const cluster = new TestCluster().nodes(node('n1', { cpu: '2', pods: '2' })).running('n1', pod('a', { cpu: '1500m' }));
    expect(cluster.decide(pod('b', { cpu: '501m' })).message).toBe(refused('Insufficient cpu'));
    expect(cluster.decide(pod('b', { cpu: '500m' })).node).toBe('n1');
    cluster.running('n1', pod('b', {}));
    expect(cluster.decide(pod('c', {})).message).toBe(refused('Too many pods'));
  });

  it('counts init containers by their maximum, sidecars and overhead on top', () => {
    const spec: PodSpec = {
      containers: [container({ cpu: '200m' })],
      initContainers: [{ ...container({ cpu: '100m' }, 'side'), restartPolicy: 'Always' }, container({ cpu: '500m' }, 'init')],
      overhead: { cpu: { string: '50m' } },
    };
    expect(verdict({ cpu: '650m' }, { spec })).toBe('n1');
    expect(verdict({ cpu: '649m' }, { spec })).toBe(refused('Insufficient cpu'));
  });

  it('leaves ignored resources and groups to others', () => {
    const args = { ignoredResources: ['example.com/a'], ignoredResourceGroups: ['example.org'] };
    const cluster = new TestCluster({ profile: { pluginConfig: [{ name: 'NodeResourcesFit', args }] } }).nodes(node('n1'));
    expect(cluster.decide(pod('p', { requests: { 'example.com/a': '1', 'example.org/b': '1' } })).node).toBe('n1');
    expect(cluster.decide(pod('p', { requests: { 'example.com/b': '1' } })).message).toBe(refused('Insufficient example.com/b'));
  });

  const strategies = (type: string, more: object = {}): TestCluster =>
    new TestCluster({ profile: { plugins: { disabled: [{ name: 'NodeResourcesBalancedAllocation' }] }, pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type, ...more } } }] } });

  it.each<[string, object, string]>([
    ['LeastAllocated', {}, 'empty'],
    ['MostAllocated', {}, 'full'],
    ['RequestedToCapacityRatio', { requestedToCapacityRatio: { shape: [{ utilization: 0, score: 0 }, { utilization: 50, score: 10 }, { utilization: 100, score: 0 }] } }, 'half'],
  ])('%s prefers its kind of node', (type, more, expected) => {
    const cluster = strategies(type, more).nodes(node('empty'), node('half'), node('full'))
      .running('half', pod('a', { cpu: '1900m', memory: '15Gi' })).running('full', pod('b', { cpu: '3800m', memory: '30Gi' }));
    expect(cluster.decide(pod('p', { cpu: '100m', memory: '512Mi' })).node).toBe(expected);
  });

  it.each<[string, object, RegExp]>([
    ['an unknown strategy', { scoringStrategy: { type: 'Best' } }, /pluginConfig of NodeResourcesFit: scoringStrategy.type: Unsupported value: "Best"/],
    ['a shape that does not ascend', { scoringStrategy: { type: 'RequestedToCapacityRatio', requestedToCapacityRatio: { shape: [{ utilization: 5, score: 0 }, { utilization: 5, score: 1 }] } } }, /must be sorted/],
    ['a weight out of range', { scoringStrategy: { resources: [{ name: 'cpu', weight: 101 }] } }, /must be 1 … 100/],
  ])('refuses %s by name', (_name, args, message) => {
    expect(() => new TestCluster({ profile: { pluginConfig: [{ name: 'NodeResourcesFit', args }] } })).toThrow(message);
  });

  it('counts a container without requests as using something when it scores, so that such pods spread', () => {
    const cluster = new TestCluster().nodes(node('n1'), node('n2'));
    const first = cluster.place(pod('a'));
    expect(cluster.place(pod('b'))).not.toBe(first);
  });
});

describe('NodeResourcesBalancedAllocation', () => {
  it('prefers the node where cpu and memory would be used in like shares', () => {
    const only = { plugins: { disabled: [{ name: 'NodeResourcesFit' }] } };
    const cluster = new TestCluster({ profile: only }).nodes(node('cpu-heavy', { cpu: '4', memory: '4Gi' }), node('even', { cpu: '4', memory: '4Gi' }))
      .running('cpu-heavy', pod('a', { cpu: '2', memory: '512Mi' })).running('even', pod('b', { cpu: '2', memory: '2Gi' }));
    expect(cluster.decide(pod('p', { cpu: '500m', memory: '512Mi' })).node).toBe('even');
  });
});

describe('profiles', () => {
  it('refuses an unknown plugin, a name used twice and a profile that cannot bind', () => {
    expect(() => new TestCluster({ profile: { plugins: { enabled: [{ name: 'Nonsense' }] } } })).toThrow('profile default-scheduler: unknown plugin "Nonsense"');
    expect(() => new TestCluster({ profile: { plugins: { disabled: [{ name: 'DefaultBinder' }] } } })).toThrow('at least one bind plugin');
    expect(() => new TestCluster({ profile: { plugins: { disabled: [{ name: 'PrioritySort' }] } } })).toThrow('exactly one queue sort plugin');
  });

  it('takes weights and switched-off plugins from the profile', () => {
    const cluster = new TestCluster({ profile: { plugins: { disabled: [{ name: 'TaintToleration' }] } } });
    expect(cluster.nodes(node('n1', { taints: [{ key: 'k', effect: 'NoSchedule' }] })).decide(pod('p')).node).toBe('n1');
  });
});

it('says how many nodes were refused for each reason, reasons sorted as Kubernetes sorts them', () => {
  const cluster = new TestCluster().nodes(
    node('a', { cpu: '1' }), node('b', { cpu: '1' }), node('c', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }), node('d', { unschedulable: true }));
  expect(cluster.decide(pod('p', { cpu: '2' })).message)
    .toBe('0/4 nodes are available: 1 node(s) had untolerated taint {k: v}, 1 node(s) were unschedulable, 2 Insufficient cpu.');
});

it('says so when there is no node at all', () => {
  const { message, rejectedBy } = new TestCluster().decide(pod('p'));
  expect(message).toBe('no nodes available to schedule pods');
  expect(rejectedBy).toContain('NodeResourcesFit');
});
